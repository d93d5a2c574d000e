"""Kubernetes objects → one model per mesh, and what is to be said of every object.

An object that cannot be used (a field nobody understands, a reference to something that is not there) does not
harm the others: it is left out, or stays as it last was when it was good, and its finding says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from canario.errors import InvalidInput
from canario.mesh import appmesh
from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.model import (
    BackendGroup,
    Mesh,
    Node,
    Ref,
    Router,
    Service,
    problems_of_gateway_route,
    problems_of_group,
    problems_of_node,
    problems_of_router,
    problems_of_service,
)
from lab.mesh import gateways
from lab.mesh.capabilities import unsupported
from lab.mesh.world import Obj, World, labels_of, name_of, ref_of

REFERENCE_NOT_FOUND = "ReferenceNotFound"
INVALID = "InvalidSpec"
UNSUPPORTED = "UnsupportedInTheLab"
NO_MESH = "NoMesh"

Part = Node | Router | Service | Gateway | GatewayRoute | BackendGroup


@dataclass(frozen=True, order=True)
class Key:
    """Which object: its kind, and its name with its namespace (empty for a Mesh)."""

    kind: str
    ref: Ref


@dataclass(frozen=True)
class Finding:
    """What the controller makes of one object. `mesh` is the Mesh object it belongs to, as far as known."""

    active: bool
    reason: str = ""
    message: str = ""
    mesh: str | None = None
    part: Mesh | Part | None = None  # what it says, when it could be read


@dataclass(frozen=True)
class Assembly:
    """`meshes` by the Mesh object's name; `good` is what the next assembly falls back on."""

    meshes: Mapping[str, Mesh] = field(default_factory=dict)
    findings: Mapping[Key, Finding] = field(default_factory=dict)
    good: Mapping[Key, Mesh | Part] = field(default_factory=dict)


def assemble(world: World, before: Mapping[Key, Mesh | Part]) -> Assembly:
    """Everything the world's mesh objects say; `before` is the last assembly's `good`."""
    findings: dict[Key, Finding] = {}
    for obj in world.meshes:
        findings[Key("Mesh", ref_of(obj))] = _read(obj, appmesh.parse_mesh, name_of(obj))
    shells = {key.ref.name: _usable(key, finding, before) for key, finding in findings.items()}
    meshes = {name: mesh for name, mesh in shells.items() if isinstance(mesh, Mesh)}
    parts = dict(_read_parts(world, meshes))
    declared = {name: _fill(mesh, name, parts.items(), before) for name, mesh in meshes.items()}
    parts = {key: _checked(key, finding, declared, world) for key, finding in parts.items()}
    findings |= parts
    usable = {name: _fill(mesh, name, parts.items(), before) for name, mesh in meshes.items()}
    good = {key: found for key, finding in findings.items() if (found := _usable(key, finding, before))}
    return Assembly(usable, findings, good)


def mesh_of(namespace: str, world: World, meshes: Mapping[str, Mesh]) -> tuple[str | None, str]:
    """The name of the one mesh that selects the namespace; else None and what is wrong."""
    labels = world.namespace_labels(namespace)
    found = sorted(name for name, mesh in meshes.items() if mesh.namespaces and mesh.namespaces.matches(labels))
    if len(found) == 1:
        return found[0], ""
    if found:
        return None, f"namespace {namespace} is selected by several meshes ({', '.join(found)}): exactly one must be"
    return None, f"no mesh selects namespace {namespace}: label it as a Mesh's namespaceSelector asks"


def _read(obj: Obj, parse: Callable[[Obj], Any], mesh: str | None) -> Finding:
    try:
        return Finding(True, mesh=mesh, part=parse(obj))
    except InvalidInput as error:
        return Finding(False, INVALID, str(error), mesh)


def _read_parts(world: World, meshes: Mapping[str, Mesh]) -> Iterator[tuple[Key, Finding]]:
    sources: tuple[tuple[str, tuple[Obj, ...], Callable[[Obj], Any]], ...] = (
        ("VirtualNode", world.virtual_nodes, appmesh.parse_node),
        ("VirtualRouter", world.virtual_routers, appmesh.parse_router),
        ("VirtualService", world.virtual_services, appmesh.parse_service),
        ("VirtualGateway", world.virtual_gateways, appmesh.parse_gateway),
        ("GatewayRoute", world.gateway_routes, appmesh.parse_gateway_route),
        ("BackendGroup", world.backend_groups, appmesh.parse_group),
    )
    for kind, objects, parse in sources:
        for obj in objects:
            mesh, trouble = mesh_of(ref_of(obj).namespace, world, meshes)
            finding = _read(obj, parse, mesh) if mesh else Finding(False, NO_MESH, trouble)
            yield Key(kind, ref_of(obj)), finding


def _checked(key: Key, finding: Finding, meshes: Mapping[str, Mesh], world: World) -> Finding:
    """The finding, with what only shows beside the rest of the mesh."""
    if not finding.active or finding.mesh is None:
        return finding
    mesh = meshes[finding.mesh]
    beyond = list(unsupported(mesh, finding.part))
    problems = beyond or list(_problems(mesh, finding.part, world))
    if problems:
        reason = UNSUPPORTED if beyond else REFERENCE_NOT_FOUND
        return replace(finding, active=False, reason=reason, message=f"{key.kind} {key.ref}: {'; '.join(problems)}")
    return finding


def _problems(mesh: Mesh, part: object, world: World) -> Iterator[str]:
    match part:
        case Node():
            yield from problems_of_node(mesh, part)
        case Router():
            yield from problems_of_router(mesh, part)
        case Service():
            yield from problems_of_service(mesh, part)
            first = next(each for each in mesh.services if each.host == part.host)
            if first.ref != part.ref:
                yield f"is called {part.host}, as service {first.ref} already is"
        case GatewayRoute():
            yield from problems_of_gateway_route(mesh, part)
            obj = next(each for each in world.gateway_routes if ref_of(each) == part.ref)
            if said := gateways.trouble(obj, mesh, world):
                yield said
        case BackendGroup():
            yield from problems_of_group(mesh, part)


def _usable(key: Key, finding: Finding, before: Mapping[Key, Mesh | Part]) -> Mesh | Part | None:
    """What counts of an object: what it says if that is good, else what it last said when it was."""
    if finding.active and finding.part is not None:
        return finding.part  # type: ignore[return-value]
    return before.get(key)


def _fill(mesh: Mesh, name: str, findings: Iterable[tuple[Key, Finding]], before: Mapping[Key, Mesh | Part]) -> Mesh:
    parts = [_usable(key, finding, before) for key, finding in sorted(findings) if finding.mesh == name]
    return replace(
        mesh,
        nodes=tuple(part for part in parts if isinstance(part, Node)),
        routers=tuple(part for part in parts if isinstance(part, Router)),
        services=tuple(part for part in parts if isinstance(part, Service)),
        gateways=tuple(part for part in parts if isinstance(part, Gateway)),
        gateway_routes=tuple(part for part in parts if isinstance(part, GatewayRoute)),
        groups=tuple(part for part in parts if isinstance(part, BackendGroup)),
    )


def node_of(pod: Obj, mesh: Mesh) -> list[Node]:
    """The nodes of the mesh, in the pod's namespace, that select the pod."""
    namespace, labels = pod["metadata"].get("namespace", ""), labels_of(pod)
    in_namespace = [node for node in mesh.nodes if node.ref.namespace == namespace]
    return [node for node in in_namespace if node.selector and node.selector.matches(labels)]
