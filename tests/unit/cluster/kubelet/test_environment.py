"""What a container is told, and how its text is read."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from lab.cluster.kubelet.environment import Place, environment, field_value
from lab.cluster.kubelet.errors import ConfigError
from lab.cluster.kubelet.expansion import Mount, expand, relocate
from lab.cluster.objects import Obj
from lab.net import Block

_PLACE = Place("127.77.16.5", Block(77), "lab-node", "127.77.0.1", 6443, Path("/pods/uid/kubeconfig"))
_OBJECTS = {
    ("configmaps", "shop", "settings"): {
        "metadata": {"name": "settings"},
        "data": {"COLOUR": "blue", "port": "1"},
    },
    ("secrets", "shop", "keys"): {
        "metadata": {"name": "keys"},
        "data": {"token": base64.b64encode(b"s3cret").decode()},
    },
}


def _lookup(kind: str, namespace: str, name: str) -> Obj | None:
    return _OBJECTS.get((kind, namespace, name))


def _pod(*, proxied: bool = False) -> Obj:
    annotations = {"canario/proxied": "true"} if proxied else {}
    metadata = {"name": "web-1", "namespace": "shop", "uid": "u1", "labels": {"app": "web"}}
    return {"metadata": {**metadata, "annotations": annotations}, "spec": {}}


def _env(*entries: Obj, name: str = "app", proxied: bool = False, sources: list[Obj] | None = None) -> dict[str, str]:
    container = {"name": name, "env": list(entries), "envFrom": sources or []}
    return environment(_pod(proxied=proxied), container, _PLACE, {"FROM": "image", "HOST": "image"}, _lookup)


def test_a_pod_without_sidecar_goes_by_the_vpc() -> None:
    """Outside the mesh a server binds the pod IP, and calls go by the VPC's proxy but for the API's."""
    found = _env()

    assert {
        "FROM": "image",
        "HOSTNAME": "web-1",
        "POD_IP": "127.77.16.5",
        "APP_IP": "127.77.144.5",
        "HOST": "127.77.16.5",
        "http_proxy": "http://127.77.0.2:3128",
        "HTTP_PROXY": "http://127.77.0.2:3128",
        "no_proxy": "localhost,127.0.0.1,127.77.0.1",
        "NO_PROXY": "localhost,127.0.0.1,127.77.0.1",
        "KUBECONFIG": "/pods/uid/kubeconfig",
        "KUBERNETES_SERVICE_HOST": "127.77.0.1",
        "KUBERNETES_SERVICE_PORT": "6443",
    } == found


def test_a_pod_with_sidecar_moves_behind_it() -> None:
    """In the mesh the application binds its own second address and calls go by its sidecar."""
    found = _env(proxied=True)

    assert "127.77.144.5" == found["HOST"]
    assert "http://127.77.144.5:15001" == found["http_proxy"]


@pytest.mark.parametrize("name", ["envoy", "xray-daemon"])
def test_a_sidecar_has_the_pod_s_address_and_no_proxy(name: str) -> None:
    """The sidecars themselves bind the pod IP and call directly."""
    found = _env(name=name, proxied=True)

    assert "127.77.16.5" == found["HOST"]
    assert not any("proxy" in key.lower() for key in found)


def test_values_come_from_everywhere() -> None:
    """Values come from fields, ConfigMaps and Secrets; a later variable may use an earlier one."""
    found = _env(
        {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
        {"name": "URL", "value": "http://$(POD_IP):$(CM_port)/$(WHO)?$(LATER)"},
        {"name": "LATER", "value": "x"},
        {"name": "MAYBE", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "k", "optional": True}}},
        sources=[{"prefix": "CM_", "configMapRef": {"name": "settings"}}],
    )

    assert "web" == found["WHO"]
    assert "s3cret" == found["TOKEN"]
    assert "http://127.77.16.5:1/web?$(LATER)" == found["URL"]
    assert "blue" == found["CM_COLOUR"]
    assert "MAYBE" not in found


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "k"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "keys", "key": "k"}}, "couldn't find key k in secret shop/keys"),
        (
            {"resourceFieldRef": {"resource": "limits.cpu"}},
            "env X: valueFrom.resourceFieldRef is not in the lab",
        ),
        (
            {"fieldRef": {"fieldPath": "spec.host"}},
            "fieldPath: 'spec.host' is not allowed; allowed: metadata.name",
        ),
    ],
)
def test_a_source_that_is_missing_is_named(source: Obj, message: str) -> None:
    """A variable whose source is not there, or not in the lab, is refused with a line that names it."""
    with pytest.raises(ConfigError) as error:
        _env({"name": "X", "valueFrom": source})

    assert error.value.message.startswith(message)


def test_fields_of_the_pod() -> None:
    """The downward API has the pod's address, node and service account."""
    paths = ("status.podIP", "spec.nodeName", "spec.serviceAccountName", "metadata.annotations['none']")

    assert ["127.77.16.5", "lab-node", "default", ""] == [field_value(_pod(), p, _PLACE) for p in paths]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(B) $A ${A} $( A)", "$(B) $A ${A} $( A)"),
        ("x$(A)$(A)", "x11"),
        ("$$", "$"),
    ],
)
def test_references_expand_as_in_kubernetes(text: str, expected: str) -> None:
    """`$(NAME)` is replaced when known; `$$` is one dollar sign."""
    assert expected == expand(text, {"A": "1"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/etc/tls", "/r/tls"),
        ("/etc/tls/key.pem", "/r/tls/key.pem"),
        ("--cert=/etc/tls/a:/etc/tls/b", "--cert=/r/tls/a:/r/tls/b"),
        ("/etc/tls-old/key", "/etc/tls-old/key"),
        ("/my/etc/tls/key", "/my/etc/tls/key"),
        ("/etc/tls/deep/x", "/r/deep/x"),
        ('{"p": "/etc/tls"}', '{"p": "/r/tls"}'),
    ],
)
def test_mount_paths_are_where_the_lab_has_them(text: str, expected: str) -> None:
    """A mountPath is replaced as a whole path or the beginning of one, the longest first, never inside another."""
    mounts = [Mount("/etc/tls/", Path("/r/tls")), Mount("/etc/tls/deep", Path("/r/deep"))]

    assert expected == relocate(text, mounts)
