"""Gateway API's and Istio's objects → one model per namespace, and what is to be said of every route and gateway. Pure.

Each namespace is a mesh of its own, as with a Sidecar whose egress is `./*`. An object that cannot be used stays
as it last was when it was good, and is left out when it never was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from canario.errors import InvalidInput
from canario.mesh import gateway
from canario.mesh.model import Mesh, Ref, Router, ToRouter, problems_of_gateway_route, problems_of_router
from lab.mesh.assembly import INVALID, REFERENCE_NOT_FOUND, UNSUPPORTED, Assembly, Finding, Key, Part
from lab.mesh.capabilities import unsupported
from lab.mesh.world import Obj, World, labels_of, ref_of

ROUTES = ("HTTPRoute", "GRPCRoute")
TOLD = (*ROUTES, "Gateway")  # the kinds that have a status
_NOT_IN_THE_MODEL = ("GatewayClass",)
_OF_THE_LAB = {"Gateway": ("addresses",)}  # how Istio finds the pods: the lab finds them by their labels
_NAMESPACE = "Namespace"  # the key under which a namespace's last good mesh is kept


def assemble(world: World, before: Mapping[Key, Mesh | Part]) -> Assembly:
    """Everything that the world's objects say, a mesh a namespace; `before` is the last assembly's `good`."""
    meshes: dict[str, Mesh] = {}
    findings: dict[Key, Finding] = {}
    for namespace, objects in _by_namespace(world).items():
        last = before.get(Key(_NAMESPACE, Ref("", namespace)))
        mesh, found = _assembled(namespace, objects, last if isinstance(last, Mesh) else None)
        meshes[namespace] = mesh
        findings |= found
    good: dict[Key, Mesh | Part] = {Key(_NAMESPACE, Ref("", name)): mesh for name, mesh in meshes.items()}
    return Assembly(meshes, findings, good)


def mesh_of(namespace: str, world: World, meshes: Mapping[str, Mesh]) -> tuple[str | None, str]:
    """The namespace itself where it has objects of the mesh; else None and what is wrong."""
    if namespace in meshes:
        return namespace, ""
    return None, f"namespace {namespace} has no objects of the mesh"


def _by_namespace(world: World) -> dict[str, list[Obj]]:
    """The objects that are read, of each namespace that has more than Services."""
    found: dict[str, list[Obj]] = {}
    for obj in world.istio:
        if obj["kind"] not in _NOT_IN_THE_MODEL:
            found.setdefault(ref_of(obj).namespace, []).append(_readable(obj))
    for service in world.services:
        if ref_of(service).namespace in found:
            found[ref_of(service).namespace].append(service)
    return found


def _readable(obj: Obj) -> Obj:
    unread = _OF_THE_LAB.get(obj["kind"], ())
    return {**obj, "spec": {key: value for key, value in (obj.get("spec") or {}).items() if key not in unread}}


def _assembled(namespace: str, objects: list[Obj], last: Mesh | None) -> tuple[Mesh, dict[Key, Finding]]:
    mesh, bad = _parsed(namespace, objects, last)
    findings: dict[Key, Finding] = {}
    for obj in objects:
        key = Key(str(obj["kind"]), ref_of(obj))
        if key.kind in TOLD:
            findings[key] = bad.get(key) or _judged(key, namespace, mesh)
    for key in bad:
        mesh = _as_it_was(key.ref, mesh, last)
    for key, finding in findings.items():
        if not finding.active and key not in bad:
            mesh = _as_it_was(key.ref, mesh, last)
    return mesh, findings


def _parsed(namespace: str, objects: list[Obj], last: Mesh | None) -> tuple[Mesh, dict[Key, Finding]]:
    """The mesh of all objects that can be read together, and those that cannot.

    When an error names none of them, nothing is read and the namespace stays as it was.
    """
    bad: dict[Key, Finding] = {}
    left = list(objects)
    while True:
        try:
            return gateway.parse(left), bad
        except InvalidInput as error:
            culprits = [obj for obj in left if _named(obj) in str(error)]
            for obj in culprits or left:
                bad[Key(str(obj["kind"]), ref_of(obj))] = Finding(False, INVALID, str(error), namespace)
            if not culprits:
                return last or Mesh(namespace, namespace), bad
            left = [obj for obj in left if obj not in culprits]


def _named(obj: Obj) -> str:
    """How the dialect names an object in an error."""
    return f"{obj['kind']} {ref_of(obj)}"


def _judged(key: Key, namespace: str, mesh: Mesh) -> Finding:
    for part in _parts(key, mesh):
        beyond = list(unsupported(mesh, part))
        problems = beyond or list(_problems(mesh, part))
        if problems:
            reason = UNSUPPORTED if beyond else REFERENCE_NOT_FOUND
            return Finding(False, reason, f"{key.kind} {key.ref}: {'; '.join(problems)}", namespace)
    return Finding(True, mesh=namespace)


def _parts(key: Key, mesh: Mesh) -> Iterator[object]:
    """What the object stands for in the model."""
    parts = (mesh.router(key.ref), mesh.gateway(key.ref), *(e for e in mesh.gateway_routes if e.ref == key.ref))
    yield from (part for part in parts if part is not None)


def _problems(mesh: Mesh, part: object) -> Iterator[str]:
    if isinstance(part, Router):
        yield from problems_of_router(mesh, part)
    elif any(part is each for each in mesh.gateway_routes):
        yield from problems_of_gateway_route(mesh, part)  # type: ignore[arg-type]


def _as_it_was(ref: Ref, mesh: Mesh, last: Mesh | None) -> Mesh:
    """The mesh with what goes by that name as it last was, and what the router provided; without what is new."""
    before = last or Mesh(mesh.name, mesh.known_as)
    provided = {service.ref: service for service in before.services if service.provider == ToRouter(ref)}
    return replace(
        mesh,
        routers=_kept(ref, mesh.routers, before.routers),
        gateways=_kept(ref, mesh.gateways, before.gateways),
        gateway_routes=_kept(ref, mesh.gateway_routes, before.gateway_routes),
        services=tuple(provided.get(service.ref, service) for service in mesh.services),
    )


def _kept(ref: Ref, now: tuple[Any, ...], before: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*(each for each in now if each.ref != ref), *(each for each in before if each.ref == ref))


def traced_percent(namespace: str, world: World) -> float | None:
    """How many of a hundred requests the namespace's Telemetry wants traced; None when it wants none."""
    for obj in world.istio:
        if obj["kind"] == "Telemetry" and ref_of(obj).namespace == namespace and not _has_selector(obj):
            for tracing in obj["spec"].get("tracing") or ():
                if not tracing.get("disableSpanReporting"):
                    return float(tracing.get("randomSamplingPercentage", 1.0))
    return None


def _has_selector(obj: Obj) -> bool:
    return bool({"selector", "targetRefs"} & set(obj["spec"]))


def is_gateway_pod(pod: Obj) -> bool:
    return (pod["metadata"].get("annotations") or {}).get("inject.istio.io/templates") == "gateway"


def wants_sidecar(pod: Obj, namespace: Mapping[str, str]) -> bool:
    """The namespace's label, overridden by the pod's."""
    own = labels_of(pod).get("sidecar.istio.io/inject")
    return own == "true" if own is not None else namespace.get("istio-injection") == "enabled"
