"""The environment of a container: the image's, the container's own, then the lab's (docs/contracts.md)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.cluster.kubelet.errors import ConfigError
from lab.cluster.kubelet.expansion import expand
from lab.cluster.objects import Obj, dig, name_of, namespace_of
from lab.net import VPC_PROXY_PORT, Block

Lookup = Callable[[str, str, str], Obj | None]  # "configmaps" or "secrets", namespace, name

PROXIED = "canario/proxied"
SIDECARS = ("envoy", "istio-proxy", "xray-daemon")
SIDECAR_PROXY_PORT = 15001
_KINDS = {"configmaps": "configmap", "secrets": "secret"}
_KEYED = re.compile(r"^metadata\.(labels|annotations)\['([^']+)'\]$")


@dataclass(frozen=True)
class Place:
    """Where a pod runs: what its containers are told of their surroundings."""

    ip: str
    block: Block
    node: str
    api_host: str
    api_port: int
    kubeconfig: Path


def environment(pod: Obj, container: Obj, place: Place, image: Mapping[str, str], lookup: Lookup) -> dict[str, str]:
    """All variables of a container. Raises ConfigError, which names what is missing or not supported."""
    own = lab_variables(pod, container["name"], place)
    variables = _from_sources(pod, container, lookup)
    for entry in container.get("env") or []:
        value = _value(pod, entry, place, lookup)
        if value is not None:
            variables[entry["name"]] = expand(value, own | variables) if "value" in entry else value
    return dict(image) | variables | own


def lab_variables(pod: Obj, container: str, place: Place) -> dict[str, str]:
    """What the lab tells every container; it wins over what the pod says."""
    app_ip = place.block.app_address(place.ip)
    proxied = dig(pod, "metadata", "annotations", PROXIED) == "true"
    variables = {
        "HOSTNAME": name_of(pod),
        "POD_IP": place.ip,
        "APP_IP": app_ip,
        "HOST": app_ip if proxied and container not in SIDECARS else place.ip,
        "KUBECONFIG": str(place.kubeconfig),
        "KUBERNETES_SERVICE_HOST": place.api_host,
        "KUBERNETES_SERVICE_PORT": str(place.api_port),
    }
    if container in SIDECARS:
        return variables
    proxy = f"http://{app_ip}:{SIDECAR_PROXY_PORT}" if proxied else f"http://{place.block.vpc}:{VPC_PROXY_PORT}"
    direct = f"localhost,127.0.0.1,{place.api_host}"
    return variables | {"http_proxy": proxy, "HTTP_PROXY": proxy, "no_proxy": direct, "NO_PROXY": direct}


def content(kind: str, obj: Obj) -> dict[str, bytes]:
    """The keys of a ConfigMap or a Secret. Raises ConfigError when a value is not the base64 it should be."""
    encoded = dig(obj, "data" if kind == "secrets" else "binaryData", default={})
    plain = dig(obj, "data", default={}) if kind == "configmaps" else {}
    try:
        decoded = {key: base64.b64decode(value, validate=True) for key, value in encoded.items()}
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f'{_KINDS[kind]} "{name_of(obj)}": a value is not base64: {error}') from error
    return {key: str(value).encode() for key, value in plain.items()} | decoded


def _from_sources(pod: Obj, container: Obj, lookup: Lookup) -> dict[str, str]:
    variables: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        for field, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            if field in source:
                found = _find(pod, kind, source[field], lookup)
                prefix = source.get("prefix", "")
                variables |= {prefix + k: v.decode(errors="replace") for k, v in found.items()}
    return variables


def _find(pod: Obj, kind: str, reference: Obj, lookup: Lookup) -> dict[str, bytes]:
    obj = lookup(kind, namespace_of(pod), reference["name"])
    if obj is not None:
        return content(kind, obj)
    if reference.get("optional"):
        return {}
    raise ConfigError(f'{_KINDS[kind]} "{reference["name"]}" not found')


def _value(pod: Obj, entry: Obj, place: Place, lookup: Lookup) -> str | None:
    """The value of one `env` entry; None when it is optional and absent."""
    source = entry.get("valueFrom")
    if not source:
        return str(entry.get("value") or "")
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"], place)
    for field, kind in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        if field in source:
            return _key_value(pod, kind, source[field], lookup)
    allowed = "fieldRef, configMapKeyRef, secretKeyRef"
    raise ConfigError(f"env {entry['name']}: valueFrom.{next(iter(source))} is not in the lab; allowed: {allowed}")


def _key_value(pod: Obj, kind: str, reference: Obj, lookup: Lookup) -> str | None:
    found = _find(pod, kind, reference, lookup)
    if reference["key"] in found:
        return found[reference["key"]].decode(errors="replace")
    if reference.get("optional"):
        return None
    where = f"{_KINDS[kind]} {namespace_of(pod)}/{reference['name']}"
    raise ConfigError(f"couldn't find key {reference['key']} in {where}")


def field_value(pod: Obj, path: str, place: Place) -> str:
    """The downward API's fields. Raises ConfigError for one that it does not have."""
    if keyed := _KEYED.match(path):
        return str(dig(pod, "metadata", keyed[1], keyed[2], default=""))
    fields = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": pod["metadata"].get("uid", ""),
        "spec.nodeName": place.node,
        "spec.serviceAccountName": service_account(pod),
        "status.podIP": place.ip,
        "status.podIPs": place.ip,
        "status.hostIP": place.block.api,
        "status.hostIPs": place.block.api,
    }
    if path not in fields:
        allowed = ", ".join([*fields, "metadata.labels['…']", "metadata.annotations['…']"])
        raise ConfigError(f"fieldPath: {path!r} is not allowed; allowed: {allowed}")
    return str(fields[path])


def service_account(pod: Obj) -> str:
    return str(dig(pod, "spec", "serviceAccountName", default="default"))
