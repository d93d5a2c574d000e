"""App Mesh manifests → Gateway API and Istio manifests, with a line for everything that did not go through.

Pure: documents in, replacements and findings out. Reading files and YAML is the command's: `canario.cli.migrate`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from canario.errors import InvalidInput
from canario.mesh import gateway
from canario.mesh.appmesh_gateways import parse_gateway, parse_gateway_route, parse_group
from canario.mesh.appmesh_names import API_VERSION
from canario.mesh.appmesh_parse import parse_mesh, parse_node, parse_router, parse_service
from canario.mesh.gateway_loss import Said
from canario.mesh.gateway_losses import losses
from canario.mesh.gateway_names import MEMBER, NOTES, PART, ROLE, Manifest
from canario.mesh.listeners import Protocol
from canario.mesh.migration_admission import admitted
from canario.mesh.migration_others import what_stays
from canario.mesh.migration_services import services_kept, services_there
from canario.mesh.migration_v1beta1 import OLD, upgraded
from canario.mesh.migration_values import misnamed, short
from canario.mesh.model import (
    Mesh,
    Route,
    Router,
    problems_of_gateway_route,
    problems_of_group,
    problems_of_node,
    problems_of_router,
    problems_of_service,
)
from canario.mesh.refs import Ref

DEFAULT_TIMEOUT_MS = 15_000  # App Mesh's, of a request of a route that does not say one
GROUP = "appmesh.k8s.aws/"


class Level(StrEnum):
    REFUSED = "refused"  # the document is not migrated
    LOST = "lost"  # a field has no equal
    DIFFERS = "differs"  # a field has an equal that behaves a little differently
    NOTE = "note"  # something for a person to look at


@dataclass(frozen=True)
class Document:
    """One YAML document. `line_of` gives the line of a field such as `spec.routes[0].name`.

    `trouble` is what App Mesh's own schema has against it, by the field's path in the manifest.
    """

    file: str
    line: int
    manifest: Any
    line_of: Callable[[str], int]
    trouble: InvalidInput | None = None


@dataclass(frozen=True)
class Finding:
    """One line for a person: where, what, and what to do."""

    level: Level
    file: str
    line: int
    about: str  # such as `VirtualNode shop/web: spec.listeners[0].healthCheck`
    says: str
    todo: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.level}: {self.about}: {self.says}; {self.todo}"


@dataclass(frozen=True)
class Migration:
    """What stands for each document: itself (None), or its replacements. `more` belongs to none of them."""

    replaced: tuple[tuple[Manifest, ...] | None, ...]
    refused: Mapping[int, str]  # index of a document → why
    more: tuple[Manifest, ...]
    findings: tuple[Finding, ...]
    meshes: tuple[Mesh, ...] = ()  # what the documents say, with App Mesh's defaults


@dataclass
class _Work:
    """The documents of App Mesh by what they stand for, while they are worked on."""

    documents: Sequence[Document]
    namespace: str
    findings: list[Finding] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    places: dict[tuple[str, Ref], int] = field(default_factory=dict)  # (kind, name) → index of its document
    parsed: dict[tuple[str, Ref], Any] = field(default_factory=dict)

    def refuse(self, index: int, says: str, todo: str, at: str = "") -> None:
        about = _about(self.documents[index].manifest)
        self.refused[index] = f"{at}: {says}" if at else says
        self.find(index, Level.REFUSED, about, says, todo, at)

    def refuse_field(self, index: int, error: InvalidInput, at: str) -> None:
        says = f"{short(error.value)} is not allowed here"
        if error.value is None:
            says = "it is missing"
        self.refuse(index, says, f"allowed: {error.allowed}", at)

    def find(self, index: int, level: Level, about: str, says: str, todo: str, at: str = "") -> None:
        document = self.documents[index]
        line = document.line_of(at) if at else document.line
        self.findings.append(Finding(level, document.file, line, f"{about}: {at}" if at else about, says, todo))


_PARSERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "Mesh": parse_mesh,
    "VirtualNode": parse_node,
    "VirtualRouter": parse_router,
    "VirtualService": parse_service,
    "VirtualGateway": parse_gateway,
    "GatewayRoute": parse_gateway_route,
    "BackendGroup": parse_group,
}
_ROLES = {
    "node": "VirtualNode",
    "router": "VirtualRouter",
    "service": "VirtualService",
    "gateway": "VirtualGateway",
    "gateway-route": "GatewayRoute",
}
_PARTS = {
    "VirtualNode": "nodes",
    "VirtualRouter": "routers",
    "VirtualService": "services",
    "VirtualGateway": "gateways",
    "GatewayRoute": "gateway_routes",
    "BackendGroup": "groups",
}
_PROBLEMS: dict[str, Callable[[Mesh, Any], Iterator[str]]] = {
    "VirtualNode": problems_of_node,
    "VirtualRouter": problems_of_router,
    "VirtualService": problems_of_service,
    "GatewayRoute": problems_of_gateway_route,
    "BackendGroup": problems_of_group,
}


def migrate(documents: Sequence[Document], namespace: str = "default", *, notes: bool = True) -> Migration:
    """What stands for each document. `namespace`: that of objects that name none. Without `notes` no manifest has
    Canario's annotations.
    """
    work = _Work(documents, namespace)
    for index, document in enumerate(documents):
        _admit(work, index, document)
    made: dict[int, list[Manifest]] = {index: [] for index in work.places.values()}
    more: list[Manifest] = []
    taken: dict[tuple[str, str, str], str] = {}
    meshes = list(_meshes(work))
    for mesh, members in meshes:
        _say(work, mesh, members)
        for each in gateway.written(mesh, there=services_there([each.manifest for each in documents], namespace)):
            place = _place(work, mesh, each.made_for)
            if _is_new(work, each.manifest, mesh, taken):
                (more if place is None else made[place]).append(each.manifest)
    findings = [*work.findings, *_about_others(documents, namespace, made, more)]
    replaced = tuple(_finished(work, index, made, notes) for index in range(len(documents)))
    order = {document.file: place for place, document in reversed(list(enumerate(documents)))}
    findings.sort(key=lambda finding: (order.get(finding.file, 0), finding.line))
    rest = tuple(_plain(each, notes) for each in more)
    return Migration(replaced, work.refused, rest, tuple(findings), tuple(mesh for mesh, _ in meshes))


def is_app_mesh(manifest: Any) -> bool:
    return isinstance(manifest, Mapping) and str(manifest.get("apiVersion", "")).startswith(GROUP)


def _admit(work: _Work, index: int, document: Document) -> None:
    """Parse the document, if it is App Mesh's; what keeps it from it is a finding."""
    manifest = document.manifest
    if not is_app_mesh(manifest):
        return None
    kind, version, metadata = str(manifest.get("kind")), manifest["apiVersion"], manifest.get("metadata")
    work.places[kind, Ref(f"#{index}", "")] = index  # it is replaced, if by nothing
    if kind not in _PARSERS:
        return work.refuse(index, f"{kind} is no kind of App Mesh's", f"allowed: {', '.join(_PARSERS)}", "kind")
    if version not in (API_VERSION, OLD):
        return work.refuse(index, f"{version} is not allowed here", f"allowed: {API_VERSION}, {OLD}", "apiVersion")
    if trouble := misnamed(metadata):
        return work.refuse(index, *trouble)
    parts = [manifest] if version == API_VERSION else upgraded(manifest, [each.manifest for each in work.documents])
    found = [_parsed(work, index, each) for each in parts]
    if index in work.refused:
        return None
    if document.trouble:
        return work.refuse_field(index, document.trouble, document.trouble.field)
    for key, part, said in filter(None, found):
        work.parsed[key], work.places[key] = part, index
        for at, says, todo, lost in said:
            work.find(index, Level.LOST if lost else Level.DIFFERS, _about(manifest), says, todo, at)
    return _note(work, index, manifest)


def _parsed(work: _Work, index: int, manifest: Mapping[str, Any]) -> tuple[tuple[str, Ref], Any, list[Said]] | None:
    """What stands in the document, under its kind and name; None when it is refused."""
    kind, metadata = manifest["kind"], manifest["metadata"]
    ref = Ref("" if kind == "Mesh" else str(metadata.get("namespace") or work.namespace), metadata["name"])
    if (kind, ref) in work.places:
        first = work.documents[work.places[kind, ref]]
        work.refuse(index, f"it is there already, at {first.file}:{first.line}", "keep one of them")
        return None
    kept, said = admitted({**manifest, "metadata": {**metadata, "namespace": ref.namespace}})
    try:
        return (kind, ref), _PARSERS[kind](kept), said
    except InvalidInput as error:
        work.refuse_field(index, error, error.field.partition(": ")[2])
        return None


def _note(work: _Work, index: int, manifest: Mapping[str, Any]) -> None:
    about = _about(manifest)
    if manifest["apiVersion"] == OLD:
        says = f"it is of {OLD}, and read as what it would be in {API_VERSION}"
        work.find(index, Level.NOTE, about, says, "look at it: nodes of that version name no pods", "apiVersion")
    if manifest["kind"] != "Mesh" and not manifest["metadata"].get("namespace"):
        says = f"it names no namespace and is taken to be in {work.namespace}"
        work.find(index, Level.NOTE, about, says, "apply it there, or say --namespace")


def _about(manifest: Mapping[str, Any]) -> str:
    metadata = manifest.get("metadata")
    named = metadata if isinstance(metadata, Mapping) else {}
    name = "/".join(str(named[key]) for key in ("namespace", "name") if named.get(key))
    return f"{manifest.get('kind')} {name}".strip()


def _meshes(work: _Work) -> Iterator[tuple[Mesh, list[tuple[str, Ref]]]]:
    """Each mesh with its members; a mesh that is not among the documents is made up for those that have none."""
    known: dict[str, Mesh] = {mesh.name: mesh for (kind, _), mesh in work.parsed.items() if kind == "Mesh"}
    members: dict[str, list[tuple[str, Ref]]] = {name: [] for name in known}
    for key in work.parsed:
        if key[0] != "Mesh":
            members.setdefault(_mesh_of(work, key, known), []).append(key)
    for name, keys in members.items():
        if name not in known and keys:
            says = f"mesh {name} is not among the documents; its egress rule is taken as App Mesh's default, DROP_ALL"
            work.find(
                work.places[keys[0]], Level.NOTE, f"Mesh {name}", says, "add it, or correct the Sidecars at the end"
            )
        parts: dict[str, Any] = {
            part: tuple(_with_defaults(work.parsed[key]) for key in keys if key[0] == kind)
            for kind, part in _PARTS.items()
        }
        yield replace(known.get(name, Mesh(name, name)), **parts), keys


def _mesh_of(work: _Work, key: tuple[str, Ref], known: Mapping[str, Mesh]) -> str:
    """By its meshRef, by the namespace's labels, or the only one there is."""
    spec = work.documents[work.places[key]].manifest.get("spec") or {}
    if isinstance(spec.get("meshRef"), Mapping) and spec["meshRef"].get("name"):
        return str(spec["meshRef"]["name"])
    if isinstance(spec.get("meshName"), str):  # of v1beta1
        return str(spec["meshName"])
    labels = _labels_of_namespace(work.documents, key[1].namespace)
    selecting = [name for name, mesh in known.items() if mesh.namespaces and mesh.namespaces.matches(labels)]
    if len(selecting) == 1:
        return selecting[0]
    return next(iter(known)) if len(known) == 1 else "unknown"


def _labels_of_namespace(documents: Iterable[Document], namespace: str) -> Mapping[str, str]:
    for document in documents:
        found = document.manifest
        if isinstance(found, Mapping) and found.get("kind") == "Namespace":
            metadata = found.get("metadata") or {}
            if metadata.get("name") == namespace:
                return dict(metadata.get("labels") or {})
    return {}


def _with_defaults(part: Any) -> Any:
    """What App Mesh does where nothing is said, said: other meshes have other defaults."""
    if not isinstance(part, Router):
        return part
    return replace(part, routes=tuple(map(_with_default_timeout, part.routes)))


def _with_default_timeout(route: Route) -> Route:
    if route.protocol in (Protocol.TCP, Protocol.GRPC) or route.timeout.request_ms is not None:
        return route
    return replace(route, timeout=replace(route.timeout, request_ms=DEFAULT_TIMEOUT_MS))


def _say(work: _Work, mesh: Mesh, members: Iterable[tuple[str, Ref]]) -> None:
    for loss in losses(mesh):
        level = Level.LOST if loss.lost else Level.DIFFERS
        work.find(work.places[loss.kind, loss.ref], level, f"{loss.kind} {loss.ref}", loss.says, loss.todo, loss.field)
    for kind, ref in members:
        problems = _PROBLEMS[kind](mesh, work.parsed[kind, ref]) if kind in _PROBLEMS else ()
        for problem in problems:
            todo = "add it, or check that it is in the cluster under this name"
            work.find(work.places[kind, ref], Level.NOTE, f"{kind} {ref}", problem, todo)


def _place(work: _Work, mesh: Mesh, made_for: tuple[str, Ref] | None) -> int | None:
    if made_for is None:
        return None
    role, ref = made_for
    return work.places.get(("Mesh", Ref("", mesh.name)) if role == "mesh" else (_ROLES[role], ref))


def _is_new(work: _Work, made: Manifest, mesh: Mesh, taken: dict[tuple[str, str, str], str]) -> bool:
    """Whether no other mesh has an object of that name: a namespace's own Sidecar can be of one mesh alone."""
    key = (made["kind"], made["metadata"]["namespace"], made["metadata"]["name"])
    if key not in taken:
        taken[key] = mesh.name
        return True
    about, says = f"{key[0]} {key[1]}/{key[2]}", f"meshes {taken[key]} and {mesh.name} both have objects in {key[1]}"
    work.find(0, Level.LOST, about, says, "give each mesh namespaces of its own")
    return False


def _about_others(
    documents: Sequence[Document], namespace: str, made: Mapping[int, list[Manifest]], more: list[Manifest]
) -> Iterator[Finding]:
    """What is to be said of documents that are not App Mesh's; Services that are there already are taken out of
    `made`.
    """
    manifests = [document.manifest for document in documents]
    for index, at, says, todo, lost in [
        *services_kept(manifests, namespace, [*made.values(), more]),
        *what_stays(manifests),
    ]:
        document = documents[index]
        about = f"{_about(document.manifest)}: {at}"
        level = Level.LOST if lost else Level.NOTE
        yield Finding(level, document.file, document.line_of(at), about, says, todo)


def _finished(work: _Work, index: int, made: Mapping[int, list[Manifest]], notes: bool) -> tuple[Manifest, ...] | None:
    if index not in made:
        return None
    metadata = work.documents[index].manifest.get("metadata") or {}
    manifests = [_plain(each, notes) for each in made[index]]
    for manifest in manifests:
        if not metadata.get("namespace") and manifest["metadata"]["namespace"] == work.namespace:
            del manifest["metadata"]["namespace"]
    return tuple(manifests)


def _plain(manifest: Manifest, notes: bool) -> Manifest:
    annotations = manifest["metadata"].get("annotations", {})
    for name in () if notes else (MEMBER, ROLE, NOTES, PART):
        annotations.pop(name, None)
    if not annotations:
        manifest["metadata"].pop("annotations", None)
    return manifest
