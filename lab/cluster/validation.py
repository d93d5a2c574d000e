"""What makes a built-in object invalid, beyond types: names, required fields, selectors, immutable fields.

The messages are those of Kubernetes (pkg/apis/*/validation), because people search for them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from lab.cluster.errors import Cause
from lab.cluster.objects import Obj, dig, name_of
from lab.cluster.resources import Resource
from lab.cluster.schema import Schema
from lab.cluster.selectors import selects

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(rf"({_SUBDOMAIN.pattern}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")

_MAX_ANNOTATIONS = 256 * 1024  # bytes
_NAMES: dict[str, tuple[re.Pattern[str], str]] = {
    "namespaces": (_LABEL, "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"),
    "services": (_LABEL_1035, "a DNS-1035 label must consist of lower case alphanumeric characters or '-'"),
}
_ANY_NAME = (
    _SUBDOMAIN,
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'",
)


def required(field: str) -> Cause:
    return Cause("FieldValueRequired", "Required value", field)


def invalid(field: str, value: Any, why: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {json.dumps(value)}: {why}", field)


def forbidden(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def validate(resource: Resource, obj: Obj, old: Obj | None, schema: Schema | None) -> list[Cause]:
    """The causes for which `obj` is refused; `schema` says which fields a built-in kind requires."""
    causes = list(_metadata(resource, obj))
    if schema is not None:
        causes += [c for key in obj if key != "status" for c in _required(obj[key], schema.child(key), key)]
        causes += [required(k) for k, s in schema.fields.items() if s.required and k not in obj]
    if resource.key in _NEED_SPEC and "spec" not in obj:
        causes.append(required("spec"))
    if not causes and (check := _CHECKS.get(resource.key)):
        causes += check(obj, old)
    return causes


def _metadata(resource: Resource, obj: Obj) -> Iterator[Cause]:
    name = name_of(obj)
    pattern, why = _NAMES.get(resource.key, _ANY_NAME)
    if not name:
        yield Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
    elif resource.group == "rbac.authorization.k8s.io":
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid("metadata.name", name, "may not be '.' or '..' or contain '/' or '%'")
    elif not pattern.fullmatch(name) or len(name) > 253:
        yield invalid("metadata.name", name, f"{why} (regex used for validation is '{pattern.pattern}')")
    yield from _labels(dig(obj, "metadata", "labels", default={}), "metadata.labels")
    annotations = dig(obj, "metadata", "annotations", default={})
    if sum(len(key) + len(value) for key, value in annotations.items()) > _MAX_ANNOTATIONS:
        what = f"Too long: may not be more than {_MAX_ANNOTATIONS} bytes"
        yield Cause("FieldValueTooLong", what, "metadata.annotations")
    for key in annotations:
        if not _QUALIFIED.fullmatch(key.lower()):
            yield invalid("metadata.annotations", key, "name part must consist of alphanumeric characters")


def _labels(labels: dict[str, Any], field: str) -> Iterator[Cause]:
    for key, value in labels.items():
        if not _QUALIFIED.fullmatch(key):
            yield invalid(field, key, "name part must consist of alphanumeric characters, '-', '_' or '.'")
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
            yield invalid(field, value, why)


def _required(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    if schema.shape == "struct" and isinstance(value, dict) and path != "metadata":
        for key, sub in schema.fields.items():
            below = f"{path}.{key}"
            if key in value:
                yield from _required(value[key], sub, below)
            elif sub.required and key not in ("metadata",):
                yield required(below)
    elif schema.shape == "list" and isinstance(value, list):
        for n, item in enumerate(value):
            yield from _required(item, schema.item, f"{path}[{n}]")


def _workload(obj: Obj, old: Obj | None) -> Iterator[Cause]:
    spec = obj["spec"]
    if spec.get("replicas", 0) < 0:
        yield invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    selector = spec.get("selector") or {}
    labels = dig(spec, "template", "metadata", "labels", default={})
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid("spec.selector", selector, "empty selector is invalid for deployment")
    elif not selects(selector, labels):
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    if old and old["spec"].get("selector") != selector:
        yield invalid("spec.selector", selector, "field is immutable")
    yield from _labels(labels, "spec.template.metadata.labels")
    yield from _pod_spec(dig(spec, "template", "spec", default={}), "spec.template.spec")


def _pod(obj: Obj, old: Obj | None) -> Iterator[Cause]:
    yield from _pod_spec(obj["spec"], "spec")
    if old and _frozen(old["spec"]) != _frozen(obj["spec"]):
        allowed = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        allowed += "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds`"
        yield forbidden("spec", f"pod updates may not change fields other than {allowed}")


def _frozen(spec: Obj) -> Obj:
    """The part of a pod's spec that never changes."""
    may_change = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName")
    rest = {key: value for key, value in spec.items() if key not in may_change}
    for kind in ("containers", "initContainers"):
        rest[kind] = [{k: v for k, v in c.items() if k != "image"} for c in spec.get(kind, [])]
    return rest


def _pod_spec(spec: Obj, path: str) -> Iterator[Cause]:
    containers = spec.get("containers") or []
    if not containers:
        yield required(f"{path}.containers")
    names: set[str] = set()
    for n, container in enumerate(containers):
        at, name = f"{path}.containers[{n}]", container.get("name", "")
        if name in names:
            yield Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{at}.name")
        names.add(name)
        if not _LABEL.fullmatch(name):
            yield invalid(f"{at}.name", name, "a lowercase RFC 1123 label must consist of lower case characters")
        if not container.get("image"):
            yield required(f"{at}.image")
        yield from _mounts(container, {v.get("name") for v in spec.get("volumes") or []}, at)


def _mounts(container: Obj, volumes: set[Any], path: str) -> Iterator[Cause]:
    for n, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            field = f"{path}.volumeMounts[{n}].name"
            yield Cause("FieldValueNotFound", f'Not found: "{mount.get("name")}"', field)


def _service(obj: Obj, old: Obj | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    ports = spec.get("ports") or []
    if spec.get("type") == "ExternalName":
        if not spec.get("externalName"):
            yield required("spec.externalName")
    elif not ports and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    if spec.get("type") not in ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"):
        allowed = '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
        what = f'Unsupported value: "{spec.get("type")}": supported values: {allowed}'
        yield Cause("FieldValueNotSupported", what, "spec.type")
    for n, port in enumerate(ports):
        if len(ports) > 1 and not port.get("name"):
            yield required(f"spec.ports[{n}].name")
        if not 1 <= port["port"] <= 65535:
            yield invalid(f"spec.ports[{n}].port", port["port"], "must be between 1 and 65535, inclusive")
    before = dig(old or {}, "spec", "clusterIP")
    if before and spec.get("type") != "ExternalName" and spec.get("clusterIP") != before:
        yield invalid("spec.clusterIPs[0]", [spec.get("clusterIP")], "may not change once set")


def _data(obj: Obj, old: Obj | None) -> Iterator[Cause]:
    if old and old.get("immutable"):
        for field in ("data", "stringData", "binaryData"):
            if obj.get(field) != old.get(field):
                yield forbidden(field, "field is immutable when `immutable` is set")


def _secret(obj: Obj, old: Obj | None) -> Iterator[Cause]:
    yield from _data(obj, old)
    for key, value in (obj.get("data") or {}).items():
        try:
            base64.b64decode(value or "", validate=True)
        except (binascii.Error, ValueError):
            yield invalid(f"data[{key}]", "<hidden>", "illegal base64 data")


def _definition(obj: Obj, old: Obj | None) -> Iterator[Cause]:
    spec = obj["spec"]
    expected = f"{spec['names'].get('plural')}.{spec.get('group')}"
    if name_of(obj) != expected:
        yield invalid("metadata.name", name_of(obj), 'must be spec.names.plural+"."+spec.group')
    if spec.get("scope") not in ("Namespaced", "Cluster"):
        what = f'Unsupported value: "{spec.get("scope")}": supported values: "Cluster", "Namespaced"'
        yield Cause("FieldValueNotSupported", what, "spec.scope")
    if sum(bool(v.get("storage")) for v in spec.get("versions", [])) != 1:
        shown = [v.get("name") for v in spec.get("versions", [])]
        yield invalid("spec.versions", shown, "must have exactly one version marked as storage version")
    for n, version in enumerate(spec.get("versions", [])):
        if not dig(version, "schema", "openAPIV3Schema"):
            field = f"spec.versions[{n}].schema.openAPIV3Schema"
            yield Cause("FieldValueRequired", "Required value: schemas are required", field)
    if old and old["spec"].get("scope") != spec.get("scope"):
        yield invalid("spec.scope", spec.get("scope"), "field is immutable")


_NEED_SPEC = frozenset({"pods", "deployments.apps", "replicasets.apps", "services"})
_CHECKS: dict[str, Callable[[Obj, Obj | None], Iterator[Cause]]] = {
    "pods": _pod,
    "deployments.apps": _workload,
    "replicasets.apps": _workload,
    "services": _service,
    "secrets": _secret,
    "configmaps": _data,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
}
