"""The Kubernetes API, plain objects in and out.

httpx2 itself rather than a Kubernetes client on top of it: objects are dicts here and kinds are data, and the
rest of the protocol is four verbs (lightkube would add its models and, measured, 40 ms to every cold start).
Kubeconfigs, with all that people put into them, are lightkube's.
"""

import json
import ssl
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, Self

import httpx2

from canario.adapters.http import answer
from canario.errors import Conflict, InvalidInput, RemoteError
from canario.workshop.ports import Answer, Kind, Manifest

PAGE = 250
TIMEOUT = httpx2.Timeout(15.0, connect=5.0)
APPLY = "application/apply-patch+yaml"  # JSON is YAML
MERGE = "application/merge-patch+json"


class Api:
    """The Kubernetes port over an HTTP client that knows the server, its CA and the credentials."""

    def __init__(self, client: httpx2.Client, *, field_manager: str = "canario") -> None:
        self._client, self._manager = client, field_manager
        self._kinds: dict[tuple[str, str], Kind] = {}

    def close(self) -> None:
        """Let go of the connections; whoever lives as long as the process need not."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply, taking ownership of what it names. Raises RemoteError."""
        return self._object(
            f"applying {_name(manifest)}",
            "PATCH",
            self.path_of(manifest),
            params={"fieldManager": self._manager, "force": "true"},
            body=manifest,
            content_type=APPLY,
        )

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Manifest | None:
        """None when it is not there (nor its kind)."""
        what = f"reading {kind.name} {_at(namespace, name)}"
        response = self._send(what, "GET", _path(kind, namespace, name))
        return None if response.status_code == httpx2.codes.NOT_FOUND else _manifest(what, response)

    def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        """All of them, every page; in all namespaces for None; empty when the kind is not served."""
        what = f"listing {kind.plural} in {namespace or 'all namespaces'}"
        params = {"limit": str(PAGE)}
        if labels:
            params["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        items: list[Manifest] = []
        while True:
            response = self._send(what, "GET", _path(kind, namespace), params=params)
            if response.status_code == httpx2.codes.NOT_FOUND:
                return []
            if response.status_code == httpx2.codes.GONE and "continue" in params:
                # The listing's version expired between two pages: once more, whole.
                items, params = [], {key: value for key, value in params.items() if key == "labelSelector"}
                continue
            page = _manifest(what, response)
            # Items of a typed list come without the two fields that would make them manifests.
            items += [{"apiVersion": kind.api_version, "kind": kind.name, **item} for item in page["items"]]
            params["continue"] = page.get("metadata", {}).get("continue") or ""
            if not params["continue"]:
                return items

    def patch(self, kind: Kind, name: str, namespace: str | None, patch: Manifest) -> Manifest:
        """JSON merge patch. Raises RemoteError, also when it is not there; Conflict for a stale version."""
        return self._object(
            f"patching {kind.name} {_at(namespace, name)}",
            "PATCH",
            _path(kind, namespace, name),
            params={"fieldManager": self._manager},
            body=patch,
            content_type=MERGE,
        )

    def replace(self, manifest: Manifest) -> Manifest:
        """Write the whole object by compare-and-set on its `metadata.resourceVersion`. Raises Conflict."""
        version = manifest["metadata"].get("resourceVersion")
        if not version:
            raise InvalidInput("metadata.resourceVersion", version, "the version that was read")
        path, params = self.path_of(manifest), {"fieldManager": self._manager}
        return self._object(f"replacing {_name(manifest)}", "PUT", path, params=params, body=manifest)

    def delete(self, kind: Kind, name: str, namespace: str | None = None) -> None:
        """Delete in the background; harmless when it is not there."""
        what = f"deleting {kind.name} {_at(namespace, name)}"
        params = {"propagationPolicy": "Background"}
        response = self._send(what, "DELETE", _path(kind, namespace, name), params=params)
        if response.status_code != httpx2.codes.NOT_FOUND:
            _manifest(what, response)

    def proxy(self, namespace: str, pod: str, port: int, path: str) -> Answer:
        """GET a pod's HTTP port through `pods/proxy`. Raises RemoteError when only the API answers."""
        what = f"GET {path} at pod {namespace}/{pod} port {port}"
        response = self._send(what, "GET", f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}")
        if response.is_error and _status(response):
            _manifest(what, response)
        return answer(response)

    def allowed(self, verb: str, resource: str, group: str = "", namespace: str | None = None) -> bool | None:
        """Whether the caller may; `resource` may have a subresource: `pods/proxy`. None: everywhere.

        None when the API reviews no access.
        """
        name, _, subresource = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": name, "subresource": subresource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**asked, "namespace": namespace or ""}},
        }
        what = f"asking whether it may {verb} {resource}"
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        response = self._send(what, "POST", path, body=review)
        if response.status_code == httpx2.codes.NOT_FOUND:
            return None
        return bool(_manifest(what, response)["status"]["allowed"])

    def group_allowed(self, member: str, verb: str, resource: str, group: str = "", name: str = "") -> bool:
        """Whether somebody of the Kubernetes group `member` may, everywhere. Raises RemoteError when it may not ask."""
        plain, _, subresource = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": plain, "subresource": subresource, "name": name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": self._manager, "groups": [member], "resourceAttributes": asked},
        }
        what = f"asking whether {member} may {verb} {resource}"
        response = self._send(what, "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)
        return bool(_manifest(what, response)["status"]["allowed"])

    def path_of(self, manifest: Manifest) -> str:
        """Where the object is. A manifest names its kind but not the resource; discovery knows, once a kind."""
        key = (manifest["apiVersion"], manifest["kind"])
        if key not in self._kinds:
            self._discover(manifest)
        kind, metadata = self._kinds[key], manifest["metadata"]
        if kind.namespaced and not metadata.get("namespace"):
            raise InvalidInput("metadata.namespace", None, f"a namespace, for a {kind.name}")
        return _path(kind, metadata.get("namespace"), metadata["name"])

    def _discover(self, manifest: Manifest) -> None:
        version, name = manifest["apiVersion"], manifest["kind"]
        what = f"looking for the kind of {_name(manifest)}"
        response = self._send(what, "GET", _root(version))
        absent = response.status_code == httpx2.codes.NOT_FOUND
        for each in [] if absent else _manifest(what, response)["resources"]:
            if "/" not in each["name"]:  # no subresource
                kind = Kind(version, each["kind"], each["name"], each["namespaced"])
                self._kinds[version, kind.name] = kind
        if (version, name) not in self._kinds:
            raise RemoteError(f"{what}: the cluster does not serve {version} {name}; apply its CRD first")

    def _object(self, what: str, method: str, path: str, **arguments: Any) -> Manifest:
        return _manifest(what, self._send(what, method, path, **arguments))

    def _send(
        self,
        what: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> httpx2.Response:
        headers = {"Content-Type": content_type} if body is not None else {}
        content = None if body is None else json.dumps(body)
        try:
            return self._client.request(method, path, params=params, content=content, headers=headers)
        except httpx2.HTTPError as error:
            server = self._client.base_url
            raise RemoteError(f"{what}: no answer from {server}: {error or type(error).__name__}") from error


class Cluster(Api):
    """A cluster known by its endpoint, its CA and what gives a fresh bearer token whenever it is asked."""

    def __init__(self, endpoint: str, ca_pem: str, token: Callable[[], str], *, field_manager: str = "canario") -> None:
        try:
            tls = ssl.create_default_context(cadata=ca_pem)
        except ssl.SSLError as error:
            raise InvalidInput("ca_pem", ca_pem[:40], "certificates in PEM") from error
        client = httpx2.Client(base_url=endpoint, verify=tls, auth=_Bearer(token), timeout=TIMEOUT)
        super().__init__(client, field_manager=field_manager)


def from_kubeconfig(path: str | Path, *, field_manager: str = "canario") -> Api:
    """The cluster of a kubeconfig's current context, as kubectl would reach it. Raises InvalidInput."""
    from lightkube.config.client_adapter import user_auth, verify_cluster
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.config.models import User
    from lightkube.core.exceptions import ConfigError

    try:
        config = KubeConfig.from_file(path).get()
    except (ConfigError, KeyError) as error:
        allowed = f"a kubeconfig with a current context ({error})"
        raise InvalidInput("kubeconfig", str(path), allowed) from error
    if config is None:
        raise InvalidInput("kubeconfig", str(path), "a kubeconfig with a current context")
    user = config.user or User()
    tls = verify_cluster(config.cluster, user, config.abs_file)
    client = httpx2.Client(base_url=config.cluster.server, verify=tls, auth=user_auth(user), timeout=TIMEOUT)
    return Api(client, field_manager=field_manager)


class _Bearer(httpx2.Auth):
    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token()}"
        yield request


def _manifest(what: str, response: httpx2.Response) -> Manifest:
    """The answer's object; an error's meaning otherwise, with what the API said."""
    if response.is_success:
        return dict(response.json())
    status = _status(response)
    said = status.get("message") or response.text[:200].strip() or response.reason_phrase
    error = Conflict if status.get("reason") == "Conflict" else RemoteError
    raise error(f"{what}: the Kubernetes API said {response.status_code}: {said}")


def _status(response: httpx2.Response) -> Mapping[str, Any]:
    """The API's own Status object; empty when the answer is not one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) and body.get("kind") == "Status" else {}


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _path(kind: Kind, namespace: str | None, name: str | None = None) -> str:
    where = f"/namespaces/{namespace}" if kind.namespaced and namespace else ""
    return f"{_root(kind.api_version)}{where}/{kind.plural}" + (f"/{name}" if name else "")


def _name(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {_at(metadata.get('namespace'), metadata['name'])}"


def _at(namespace: str | None, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name
