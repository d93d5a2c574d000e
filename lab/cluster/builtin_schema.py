"""Schemas of the built-in kinds: field names and types from lightkube's generated models, merge rules from here.

The models know every field of every kind but not how lists and maps merge. Those rules are few; they are
the `patchMergeKey`, `listType` and `mapType` markers of the Kubernetes API types (k8s.io/api).
"""

from __future__ import annotations

import importlib
import typing
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from lab.cluster.resources import Resource
from lab.cluster.schema import ANY, STRING, Schema

# Lists that are maps: the keys of an item; the first is also the merge key of strategic merge.
LIST_KEYS: Mapping[str, tuple[str, ...]] = {
    "Container.env": ("name",),
    "Container.ports": ("containerPort", "protocol"),
    "Container.volumeDevices": ("devicePath",),
    "Container.volumeMounts": ("mountPath",),
    "EphemeralContainer.env": ("name",),
    "EphemeralContainer.volumeMounts": ("mountPath",),
    "ResourceRequirements.claims": ("name",),
    "PodSpec.containers": ("name",),
    "PodSpec.ephemeralContainers": ("name",),
    "PodSpec.hostAliases": ("ip",),
    "PodSpec.imagePullSecrets": ("name",),
    "PodSpec.initContainers": ("name",),
    "PodSpec.resourceClaims": ("name",),
    "PodSpec.schedulingGates": ("name",),
    "PodSpec.topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "PodSpec.volumes": ("name",),
    "PodStatus.conditions": ("type",),
    "PodStatus.hostIPs": ("ip",),
    "PodStatus.podIPs": ("ip",),
    "DeploymentStatus.conditions": ("type",),
    "ReplicaSetStatus.conditions": ("type",),
    "ServiceStatus.conditions": ("type",),
    "NamespaceStatus.conditions": ("type",),
    "NodeStatus.conditions": ("type",),
    "NodeStatus.addresses": ("type",),
    "CustomResourceDefinitionStatus.conditions": ("type",),
    "ServiceSpec.ports": ("port", "protocol"),
    "ServiceAccount.secrets": ("name",),
    "MutatingWebhookConfiguration.webhooks": ("name",),
    "MutatingWebhook.matchConditions": ("name",),
    "ObjectMeta.ownerReferences": ("uid",),
}
KEY_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Container.ports": {"protocol": "TCP"},
    "ServiceSpec.ports": {"protocol": "TCP"},
}
SETS = frozenset({"ObjectMeta.finalizers", "NodeSpec.podCIDRs"})
RETAIN_KEYS = frozenset({"DeploymentSpec.strategy", "PodSpec.volumes", "PodSpec.resourceClaims"})
ATOMIC_TYPES = frozenset(
    {
        "ConfigMapKeySelector",
        "LabelSelector",
        "LocalObjectReference",
        "NodeSelector",
        "NodeSelectorTerm",
        "ObjectFieldSelector",
        "ObjectReference",
        "OwnerReference",
        "ResourceFieldSelector",
        "RoleRef",
        "SecretKeySelector",
        "SecretReference",
        "Subject",
        "TypedLocalObjectReference",
    }
)
ATOMIC_FIELDS = frozenset({"ServiceSpec.selector", "PodSpec.nodeSelector", "ManagedFieldsEntry.fieldsV1"})
# Maps of anything; every other map is one of strings.
FREE_MAPS = frozenset({"definitions", "dependencies", "patternProperties", "properties", "fieldsV1", "options"})
QUANTITIES = frozenset({"allocatable", "capacity", "limits", "requests", "overhead", "allocatedResources"})

_MODULES = {
    "": "core_v1",
    "apps": "apps_v1",
    "coordination.k8s.io": "coordination_v1",
    "discovery.k8s.io": "discovery_v1",
    "rbac.authorization.k8s.io": "rbac_v1",
    "admissionregistration.k8s.io": "admissionregistration_v1",
    "apiextensions.k8s.io": "apiextensions_v1",
    "authentication.k8s.io": "authentication_v1",
    "authorization.k8s.io": "authorization_v1",
}
_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean", datetime: "time"}


@cache
def builtin_schema(resource: Resource) -> Schema:
    """The schema of a built-in kind."""
    return kind_schema(resource.api_version(), resource.kind)


@cache
def kind_schema(api_version: str, kind: str) -> Schema:
    """The schema of a kind by name; `KeyError` for one that the lab does not know."""
    group = api_version.rpartition("/")[0]
    name = "meta_v1" if kind == "DeleteOptions" else _MODULES[group]
    model = getattr(importlib.import_module(f"lightkube.models.{name}"), kind, None)
    if model is None:
        raise KeyError(f"{kind} in {api_version}")
    return _struct(model)


@cache
def metadata_schema() -> Schema:
    """The schema of `metadata`, which custom objects share."""
    return _struct(importlib.import_module("lightkube.models.meta_v1").ObjectMeta)


@cache
def _struct(model: type) -> Schema:
    def fields() -> dict[str, Schema]:
        return {f.encode_name: _field(model.__name__, f) for f in msgspec.structs.fields(model)}

    return Schema("struct", model.__name__, fields, atomic=model.__name__ in ATOMIC_TYPES)


def _field(owner: str, found: Any) -> Schema:
    path = f"{owner}.{found.encode_name}"
    schema = _of_type(found.type, found.encode_name)
    marks: dict[str, Any] = {"required": found.required}
    if schema.shape == "list":
        marks |= {
            "list_keys": LIST_KEYS.get(path, ()),
            "defaults": KEY_DEFAULTS.get(path, {}),
            "is_set": path in SETS,
            "atomic": path not in LIST_KEYS and path not in SETS,
        }
    elif path in ATOMIC_FIELDS:
        marks["atomic"] = True
    if path in RETAIN_KEYS:
        marks["retain_keys"] = True
    return schema.with_(**marks)


def _of_type(hint: Any, name: str) -> Schema:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        args = tuple(a for a in args if a is not type(None))
        if len(args) == 1:
            return _of_type(args[0], name)
        return Schema("scalar", "int-or-string")
    if origin is list:
        return Schema("list", items=_of_type(args[0], name), atomic=True)
    if hint is dict or origin is dict:
        return _map(name)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(hint)
    if hint in _SCALARS:
        quantity = name in ("divisor", "sizeLimit")
        return Schema("scalar", "quantity" if quantity else _SCALARS[hint])
    return ANY


def _map(name: str) -> Schema:
    if name in FREE_MAPS:
        return Schema("map", items=ANY)
    return Schema("map", items=Schema("scalar", "quantity") if name in QUANTITIES else STRING)
