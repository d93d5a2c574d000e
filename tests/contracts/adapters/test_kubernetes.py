"""The port `Kubernetes`: the fake, and the adapter against the lab cluster's API."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canario.adapters.kubernetes import from_kubeconfig
from canario.errors import Conflict, RemoteError
from canario.workshop.kinds import CONFIG_MAP, NAMESPACE, POD
from canario.workshop.ports import Kind, Kubernetes
from tests.fakes import FakeKubernetes

NOBODYS = Kind("nobody.example/v1", "Nothing", "nothings")


@pytest.fixture(params=["fake", "lab"])
def kubernetes(request: pytest.FixtureRequest) -> Iterator[Kubernetes]:
    if request.param == "fake":
        yield FakeKubernetes()
    else:
        with from_kubeconfig(request.getfixturevalue("kubeconfig")) as cluster:
            yield cluster


@pytest.fixture
def namespace(kubernetes: Kubernetes, name: str) -> Iterator[str]:
    kubernetes.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    kubernetes.delete(NAMESPACE, name)


def config_map(namespace: str, name: str, data: dict[str, str], **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_an_applied_object_reads_back(kubernetes: Kubernetes, namespace: str):
    """What was applied is there, with a version, and `apply` returned just that."""
    applied = kubernetes.apply(config_map(namespace, "a", {"k": "v"}, app="nodejs-app"))
    found = kubernetes.get(CONFIG_MAP, "a", namespace)

    assert applied == found
    assert ({"k": "v"}, {"app": "nodejs-app"}) == (found["data"], found["metadata"]["labels"])
    assert found["metadata"]["resourceVersion"]


def test_applying_again_keeps_what_others_wrote_and_drops_what_is_no_longer_said(
    kubernetes: Kubernetes, namespace: str
):
    """Apply owns what it names: of two applies the second counts; other writers' fields stay."""
    kubernetes.apply(config_map(namespace, "a", {"old": "1", "kept": "1"}))
    kubernetes.patch(CONFIG_MAP, "a", namespace, {"data": {"others": "2"}})
    applied = kubernetes.apply(config_map(namespace, "a", {"kept": "3"}))

    assert {"kept": "3", "others": "2"} == applied["data"]


def test_what_is_not_there_is_none(kubernetes: Kubernetes, namespace: str):
    """An absent object and an object of a kind that nobody serves are both None."""
    assert kubernetes.get(CONFIG_MAP, "a", namespace) is None
    assert kubernetes.get(NOBODYS, "a", namespace) is None


def test_list_selects_by_namespace_and_labels(kubernetes: Kubernetes, namespace: str):
    """Every label that is asked for has to match; None means all namespaces."""
    kubernetes.apply(config_map(namespace, "a", {}, workshop=namespace, app="x"))
    kubernetes.apply(config_map(namespace, "b", {}, workshop=namespace, app="y"))
    kubernetes.apply(config_map(namespace, "c", {}, app="x"))

    def listed(where: str | None, labels: dict[str, str]) -> list[str]:
        return sorted(each["metadata"]["name"] for each in kubernetes.list(CONFIG_MAP, where, labels))

    assert ["a"] == listed(namespace, {"workshop": namespace, "app": "x"})
    assert ["a", "b"] == listed(None, {"workshop": namespace})
    assert ["a", "c"] == listed(namespace, {"app": "x"})


def test_listed_objects_are_manifests(kubernetes: Kubernetes, namespace: str):
    """An item of a list can be written back: it has its kind, its version and its resourceVersion."""
    kubernetes.apply(config_map(namespace, "a", {"k": "1"}))
    [listed] = kubernetes.list(CONFIG_MAP, namespace, {})[-1:]
    written = kubernetes.replace({**listed, "data": {"k": "2"}})

    assert {"k": "2"} == written["data"]


def test_a_kind_that_nobody_serves_has_no_objects(kubernetes: Kubernetes):
    """Listing it is empty, not an error."""
    assert not kubernetes.list(NOBODYS)


def test_patch_merges_and_null_removes(kubernetes: Kubernetes, namespace: str):
    """A merge patch changes what it names and removes what it sets to null."""
    kubernetes.apply(config_map(namespace, "a", {"kept": "1", "gone": "1"}))
    patched = kubernetes.patch(CONFIG_MAP, "a", namespace, {"data": {"gone": None, "new": "2"}})

    assert {"kept": "1", "new": "2"} == patched["data"]


def test_patching_what_is_not_there_is_an_error(kubernetes: Kubernetes, namespace: str):
    """The error says what was being patched."""
    with pytest.raises(RemoteError, match=f"patching ConfigMap {namespace}/a: .*not found"):
        kubernetes.patch(CONFIG_MAP, "a", namespace, {"data": {}})


def test_replace_is_compare_and_set(kubernetes: Kubernetes, namespace: str):
    """The first of two writers that read the same version wins; the second is told."""
    kubernetes.apply(config_map(namespace, "a", {"k": "1"}))
    read = kubernetes.get(CONFIG_MAP, "a", namespace)
    first = kubernetes.replace({**read, "data": {"k": "2"}})

    assert first["metadata"]["resourceVersion"] != read["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        kubernetes.replace({**read, "data": {"k": "3"}})
    assert {"k": "2"} == kubernetes.get(CONFIG_MAP, "a", namespace)["data"]


def test_deleting_twice_is_harmless(kubernetes: Kubernetes, namespace: str):
    """What was deleted is not there, and deleting it again is no error."""
    kubernetes.apply(config_map(namespace, "a", {}))
    kubernetes.delete(CONFIG_MAP, "a", namespace)
    kubernetes.delete(CONFIG_MAP, "a", namespace)

    assert kubernetes.get(CONFIG_MAP, "a", namespace) is None


def test_a_pod_that_is_not_there_does_not_answer(kubernetes: Kubernetes, namespace: str):
    """The proxy's error names the path, the pod and the port."""
    with pytest.raises(RemoteError, match=f"GET /ready at pod {namespace}/absent port 9901: "):
        kubernetes.proxy(namespace, "absent", 9901, "/ready")


def test_a_pod_answers_through_the_api(kubeconfig: Path, name: str):
    """Status, headers and body are the pod's own, an error that it answers itself included."""
    container = {"name": "echo", "image": "echo", "ports": [{"containerPort": 3000}]}
    container["readinessProbe"] = {"httpGet": {"path": "/", "port": 3000}, "periodSeconds": 1}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "echo", "namespace": name},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    with from_kubeconfig(kubeconfig) as cluster:
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        cluster.apply(pod)
        until_ready(cluster, name)
        found = cluster.proxy(name, "echo", 3000, "/some?query=1")
        teapot = cluster.proxy(name, "echo", 3000, "/teapot")
        with pytest.raises(RemoteError, match=f"GET / at pod {name}/echo port 9: "):
            cluster.proxy(name, "echo", 9, "/")
        cluster.delete(NAMESPACE, name)

    assert (200, "/some?query=1", "hello") == (found.status, found.headers["x-path"], found.body)
    assert teapot.status == 418


def until_ready(kubernetes: Kubernetes, namespace: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        pod = kubernetes.get(POD, "echo", namespace) or {}
        conditions = pod.get("status", {}).get("conditions", [])
        if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
            return
        time.sleep(0.05)
    raise AssertionError(f"the pod is not ready: {pod.get('status')}")


def test_the_api_server_is_asked_directly_where_no_proxy_says_so(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch):
    """A proxy for everything else is not in the way of an address, or a range, in `no_proxy`."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.0/8")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with from_kubeconfig(kubeconfig) as cluster:
        names = [each["metadata"]["name"] for each in cluster.list(NAMESPACE)]

    assert "default" in names
