"""How `Api` speaks to the Kubernetes API, and what it makes of its answers. No sockets: the transport is a function."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from canario.adapters.kubernetes import APPLY, MERGE, Api, Cluster, from_kubeconfig
from canario.errors import Conflict, InvalidInput, RemoteError
from canario.workshop.kinds import NAMESPACE, POD, VIRTUAL_ROUTER
from canario.workshop.ports import Answer

DISCOVERY = {
    "/apis/apps/v1": [
        {"name": "deployments", "kind": "Deployment", "namespaced": True},
        {"name": "deployments/scale", "kind": "Scale", "namespaced": True},
    ],
    "/api/v1": [{"name": "namespaces", "kind": "Namespace", "namespaced": False}],
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "nodejs-app", "namespace": "ns", "resourceVersion": "7"},
}
COLLECTION = "/apis/apps/v1/namespaces/ns/deployments"


class Server:
    """Answers discovery by itself and everything else by `answer`; keeps what it was asked."""

    def __init__(self, answer: Callable[[httpx2.Request], httpx2.Response]) -> None:
        self.answer = answer
        self.requests: list[httpx2.Request] = []
        self.api = Api(httpx2.Client(base_url="https://api:6443", transport=httpx2.MockTransport(self._handle)))

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path in DISCOVERY:
            return httpx2.Response(200, json={"resources": DISCOVERY[request.url.path]})
        self.requests.append(request)
        return self.answer(request)

    @property
    def last(self) -> httpx2.Request:
        return self.requests[-1]


def answering(code: int, body: Any = None) -> Server:
    return Server(lambda _: httpx2.Response(code, json=body if body is not None else {}))


def status(code: int, reason: str, message: str) -> Server:
    return answering(code, {"kind": "Status", "apiVersion": "v1", "reason": reason, "message": message, "code": code})


def test_apply_is_a_forced_server_side_apply():
    """The manifest goes as it is, to the resource that discovery names, with the field manager `canario`."""
    server = answering(200, DEPLOYMENT)
    applied = server.api.apply(DEPLOYMENT)

    assert DEPLOYMENT == applied == json.loads(server.last.content)
    assert ("PATCH", f"{COLLECTION}/nodejs-app", APPLY) == (
        server.last.method,
        server.last.url.path,
        server.last.headers["content-type"],
    )
    assert {"fieldManager": "canario", "force": "true"} == dict(server.last.url.params)


def test_a_kind_that_is_not_served_is_named():
    """Applying an object whose CRD is not there says which kind, and what to do."""
    server = answering(404)
    mesh = {"apiVersion": "appmesh.k8s.aws/v1beta2", "kind": "Mesh", "metadata": {"name": "app-mesh"}}

    with pytest.raises(RemoteError, match=r"Mesh app-mesh: .* does not serve appmesh.k8s.aws/v1beta2 Mesh; apply"):
        server.api.apply(mesh)


def test_a_namespaced_object_needs_a_namespace():
    """A Deployment without a namespace is refused before anything is sent."""
    server = answering(200)

    with pytest.raises(InvalidInput, match=r"metadata.namespace"):
        server.api.apply({**DEPLOYMENT, "metadata": {"name": "nodejs-app"}})
    assert not server.requests


def test_get_of_what_is_not_there_is_none():
    """404 is an answer: neither the object nor its kind need to exist."""
    assert status(404, "NotFound", "not found").api.get(VIRTUAL_ROUTER, "r", "ns") is None


def test_list_of_a_kind_that_is_not_served_is_empty():
    """404 for a collection means that there is none of the kind."""
    assert not status(404, "NotFound", "not found").api.list(VIRTUAL_ROUTER)


def test_list_follows_pages_and_names_the_kind_of_each_item():
    """Items of every page are there, each a whole manifest though the API leaves kind and version out."""

    def pages(request: httpx2.Request) -> httpx2.Response:
        page = request.url.params.get("continue", "first")
        following = {"first": "second", "second": ""}[page]
        item = {"metadata": {"name": page}}
        return httpx2.Response(200, json={"metadata": {"continue": following}, "items": [item]})

    server = Server(pages)
    listed = server.api.list(POD, "ns", {"app": "a", "tier": "b"})

    assert [("first", "Pod"), ("second", "Pod")] == [(each["metadata"]["name"], each["kind"]) for each in listed]
    assert ["app=a,tier=b"] * 2 == [request.url.params["labelSelector"] for request in server.requests]


def test_a_list_that_expired_between_pages_starts_again():
    """A continue token that the API let go (410) costs a second listing, not the stage."""
    answers = iter(
        [
            httpx2.Response(200, json={"metadata": {"continue": "old"}, "items": [{"metadata": {"name": "a"}}]}),
            httpx2.Response(410, json={"kind": "Status", "reason": "Expired", "message": "too old"}),
            httpx2.Response(200, json={"metadata": {}, "items": [{"metadata": {"name": "b"}}]}),
        ]
    )

    assert ["b"] == [each["metadata"]["name"] for each in Server(lambda _: next(answers)).api.list(POD)]


def test_replace_puts_the_whole_object():
    """Replace is a PUT of everything that was given, its resourceVersion included."""
    server = answering(200, DEPLOYMENT)
    server.api.replace(DEPLOYMENT)

    assert ("PUT", DEPLOYMENT) == (server.last.method, json.loads(server.last.content))


def test_replace_of_a_changed_object_is_a_conflict():
    """409 is Conflict, with what the API said."""
    server = status(409, "Conflict", "the object has been modified")

    with pytest.raises(Conflict, match=r"replacing Deployment ns/nodejs-app: .* 409: the object has been modified"):
        server.api.replace(DEPLOYMENT)


def test_replace_without_a_version_is_refused():
    """Without a resourceVersion the API would overwrite blindly: nothing is sent."""
    server = answering(200)

    with pytest.raises(InvalidInput, match=r"metadata.resourceVersion"):
        server.api.replace({**DEPLOYMENT, "metadata": {"name": "nodejs-app", "namespace": "ns"}})
    assert not server.requests


def test_patch_is_a_merge_patch():
    """Patch sends the patch as JSON merge patch."""
    server = answering(200, {})
    server.api.patch(NAMESPACE, "ns", None, {"metadata": {"labels": {"mesh": "app-mesh"}}})

    assert ("/api/v1/namespaces/ns", MERGE) == (server.last.url.path, server.last.headers["content-type"])


def test_delete_is_in_the_background_and_harmless():
    """Deleting what is not there is no error."""
    server = status(404, "NotFound", "not found")
    server.api.delete(POD, "p", "ns")

    assert {"propagationPolicy": "Background"} == dict(server.last.url.params)


def test_an_error_says_what_was_done_to_what_and_what_the_api_said():
    """Every refusal reads: doing what, to which object, the code and the API's own message."""
    server = status(403, "Forbidden", "pods is forbidden")

    with pytest.raises(RemoteError, match="deleting Pod ns/p: the Kubernetes API said 403: pods is forbidden"):
        server.api.delete(POD, "p", "ns")


def test_an_error_that_is_no_status_is_quoted():
    """A proxy's HTML in place of the API's answer is shown, cut short."""
    server = Server(lambda _: httpx2.Response(502, text="<html>Bad gateway</html>"))

    with pytest.raises(RemoteError, match="502: <html>Bad gateway</html>"):
        server.api.get(POD, "p", "ns")


def test_no_answer_names_the_server():
    """A connection that fails says what was being done and which server did not answer."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("Connection refused", request=request)

    with pytest.raises(RemoteError, match=r"listing pods in ns: no answer from https://api:6443/?: Connection refused"):
        Server(refuse).api.list(POD, "ns")


def test_proxy_brings_the_pods_own_answer():
    """Whatever the pod says, an error of its own included, is the answer, with lower-case header names."""
    server = Server(lambda _: httpx2.Response(503, headers={"Server": "envoy"}, text="no healthy upstream"))
    got = server.api.proxy("ns", "p", 9901, "/config_dump?resource=x")

    assert (503, "envoy", "no healthy upstream") == (got.status, got.headers["server"], got.body)
    assert server.last.url.raw_path == b"/api/v1/namespaces/ns/pods/p:9901/proxy/config_dump?resource=x"


def test_proxy_tells_the_apis_refusal_from_the_pods():
    """A Status object is the API's: the pod has not answered."""
    server = status(503, "ServiceUnavailable", "error trying to reach service: connection refused")

    with pytest.raises(RemoteError, match=r"GET / at pod ns/p port 9901: .* 503: error trying to reach"):
        server.api.proxy("ns", "p", 9901, "/")


def test_a_proxied_body_is_text():
    """An answer is what the port promises."""
    server = Server(lambda _: httpx2.Response(200, text="ok"))

    assert Answer(200, {"content-length": "2", "content-type": "text/plain; charset=utf-8"}, "ok") == server.api.proxy(
        "ns", "p", 80, "/"
    )


@pytest.mark.parametrize("allowed", [True, False])
def test_access_is_reviewed_by_the_api(allowed: bool):
    """The question names verb, group, resource and subresource; the API's answer is the answer."""
    server = answering(201, {"status": {"allowed": allowed}})

    assert allowed == server.api.allowed("get", "pods/proxy")
    assert {"verb": "get", "group": "", "resource": "pods", "subresource": "proxy", "namespace": ""} == json.loads(
        server.last.content
    )["spec"]["resourceAttributes"]


def test_an_api_that_reviews_no_access_says_neither():
    """404 means that nobody was asked, which is not a permission."""
    assert status(404, "NotFound", "not found").api.allowed("get", "pods") is None


def test_a_ca_that_is_no_certificate_is_refused():
    """Bad PEM is named as such, not as a TLS error of some later request."""
    with pytest.raises(InvalidInput, match="ca_pem"):
        Cluster("https://127.0.0.1:1", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n", lambda: "t")


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path):
    """The error names the file and what is wanted."""
    with pytest.raises(InvalidInput, match=r"kubeconfig: .*absent.* not found"):
        from_kubeconfig(tmp_path / "absent")


@pytest.mark.parametrize("allowed", [True, False])
def test_a_groups_access_is_reviewed_by_the_api(allowed: bool):
    """The question is about the group, whoever asks."""
    server = answering(201, {"status": {"allowed": allowed}})

    assert allowed == server.api.group_allowed("canario:stage-mesh", "get", "pods/proxy", name="one")
    spec = json.loads(server.last.content)["spec"]
    assert ["canario:stage-mesh"] == spec["groups"]
    assert {"verb": "get", "group": "", "resource": "pods", "subresource": "proxy", "name": "one"} == spec[
        "resourceAttributes"
    ]
