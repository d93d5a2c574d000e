"""The dialect of Gateway API and Istio: manifests to the model and back.

`render` writes native fields: what Istio acts on. What they cannot say of the model stands in the annotation
`canario/notes` of the object that it is about, and says so: it acts on nothing. `parse` believes a note only while the
native fields beside it are those that it was written for; natively changed things are read natively.

The objects: docs/gateway-dialect.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.gateway_names import MEMBER, NOTES, ROLE, Manifest, annotate, annotation, ref_of
from canario.mesh.gateway_native import Written, namespaces_of, native
from canario.mesh.gateway_notes import differences, merged
from canario.mesh.gateway_reading import read
from canario.mesh.gateway_renaming import Renaming, Selectors, inverse, kubernetes_names, renamed
from canario.mesh.gateway_split import read_share, read_weights, sends_to, set_share, withdraw
from canario.mesh.model import Mesh
from canario.mesh.refs import Ref

__all__ = ["parse", "read_share", "read_weights", "render", "sends_to", "set_share", "withdraw", "written"]

_PARTS = {
    "node": "nodes",
    "router": "routers",
    "service": "services",
    "gateway": "gateways",
    "gateway-route": "gateway_routes",
}
_ORDER = "order of "
_IS = " is"  # after a role: what the thing is called in the model

Notes = dict[tuple[str, Ref], Any]


def render(mesh: Mesh, labels: Mapping[str, str] | None = None) -> list[Manifest]:
    """The mesh's manifests, each with `labels`. The first ones, Sidecars named `default`, stand for the mesh itself."""
    return [each.manifest for each in written(mesh, labels)]


def written(mesh: Mesh, labels: Mapping[str, str] | None = None, there: Selectors | None = None) -> list[Written]:
    """The same manifests, each with what it is there for. `there`: as `kubernetes_names` has it."""
    names = kubernetes_names(mesh, there)
    found = native(renamed(mesh, names), namespaces_of(mesh))
    notes = _notes(renamed(mesh, names), found) | _notes_of_names(names)
    for each in found:
        annotate(each.manifest, MEMBER, mesh.name)
        if each.roles:
            annotate(each.manifest, ROLE, " ".join(each.roles))
        roles = [(said, ref) for role, ref in each.carries for said in (role, role + _IS)]
        carried = {role: notes[role, ref] for role, ref in roles if notes.get((role, ref))}
        if carried:
            annotate(each.manifest, NOTES, json.dumps(carried, sort_keys=True, ensure_ascii=False))
        if labels:
            each.manifest["metadata"]["labels"] = dict(labels)
    return [replace(each, owner=_named(inverse(names), each.made_for)) for each in found]


def parse(manifests: Sequence[Mapping[str, Any]]) -> Mesh:
    """The mesh that the manifests describe, in any order.

    Raises InvalidInput, with the field's path, for what the model has no words for.
    """
    found = read(manifests)
    notes = _written_notes(manifests)
    if not notes:
        return found
    noted, orders = _with_notes(found, notes)
    again = read(_plain(native(_ordered(found, noted, orders)), found.name))
    return renamed(_ordered(found, _believed(found, noted, again), orders), _noted_names(notes))


def _notes(mesh: Mesh, made: Sequence[Written]) -> Notes:
    """What the native fields do not say, by the thing that it is about."""
    found = read(_plain(made, mesh.name))
    names = {(role, ref): ref_of(each.manifest) for each in made for role, ref in each.carries}
    notes: Notes = {}
    for role, part in _PARTS.items():
        read_back = {each.ref: each for each in getattr(found, part)}
        for each in getattr(mesh, part):
            notes[role, each.ref] = differences(read_back[names[role, each.ref]], each)
    home = next(ref for role, ref in names if role == "mesh")
    notes["mesh", home] = _notes_of_mesh(mesh, found, names)
    return notes


def _notes_of_mesh(mesh: Mesh, found: Mesh, names: Mapping[tuple[str, Ref], Ref]) -> Any:
    note = differences(_bare(found), _bare(mesh)) or {}
    for role, part in _PARTS.items():
        wanted = [str(names[role, each.ref]) for each in getattr(mesh, part)]
        if wanted != [str(each.ref) for each in getattr(found, part)]:
            note[_ORDER + part] = wanted
    return note


def _notes_of_names(names: Renaming) -> Notes:
    """What things are called whose Services have other names."""
    nodes: Notes = {("node" + _IS, new): str(old) for old, new in names.nodes.items()}
    return nodes | {("service" + _IS, new): str(old) for old, new in names.services.items()}


def _noted_names(notes: Notes) -> Renaming:
    found: dict[str, dict[Ref, Ref]] = {"node" + _IS: {}, "service" + _IS: {}}
    for (role, ref), name in notes.items():
        if role in found and isinstance(name, str) and "/" in name:
            found[role][ref] = Ref(*name.split("/", 1))
    return Renaming(*found.values())


def _named(names: Renaming, thing: tuple[str, Ref] | None) -> tuple[str, Ref] | None:
    match thing:
        case ("node", ref):
            return "node", names.node(ref)
        case ("service", ref):
            return "service", names.service(ref)
    return thing


def _bare(mesh: Mesh) -> Mesh:
    return replace(mesh, nodes=(), routers=(), services=(), gateways=(), gateway_routes=())


def _plain(made: Sequence[Written], name: str) -> list[Manifest]:
    """Manifests without notes."""
    for each in made:
        annotate(each.manifest, MEMBER, name)
        if each.roles:
            annotate(each.manifest, ROLE, " ".join(each.roles))
    return [each.manifest for each in made]


def _written_notes(manifests: Sequence[Mapping[str, Any]]) -> Notes:
    notes: Notes = {}
    for manifest in manifests:
        text = annotation(manifest, NOTES)
        if text is None:
            continue
        ref = ref_of(manifest)
        where = f"{manifest['kind']} {ref}: metadata.annotations[{NOTES}]"
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InvalidInput(
                where, text, "JSON, as canario wrote it; delete it to go by the native fields"
            ) from error
        if not isinstance(found, dict):
            raise InvalidInput(where, text, "a JSON object, as canario wrote it")
        notes |= {(role, ref): note for role, note in found.items()}
    return notes


def _with_notes(found: Mesh, notes: Notes) -> tuple[Mesh, dict[str, Sequence[str]]]:
    """The mesh with its notes, in the native order, and the order of each part that a note gives."""
    changed: dict[str, Any] = {
        part: tuple(_noted(each, role, notes) for each in getattr(found, part)) for role, part in _PARTS.items()
    }
    note = next((dict(note) for (role, _), note in notes.items() if role == "mesh" and isinstance(note, dict)), {})
    orders = {part: order for part in _PARTS.values() if (order := note.pop(_ORDER + part, None))}
    bare: Mesh = _merged(_bare(found), note, "mesh")
    return replace(bare, **changed), orders


def _noted(each: Any, role: str, notes: Notes) -> Any:
    return _merged(each, notes.get((role, each.ref)), role)


def _merged(each: Any, note: Any, role: str) -> Any:
    try:
        return merged(each, note, type(each))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        name = getattr(each, "ref", getattr(each, "name", role))
        raise InvalidInput(f"{role} {name}: the annotation {NOTES}", note, "what canario wrote") from error


def _ordered(found: Mesh, noted: Mesh, orders: Mapping[str, Sequence[str]]) -> Mesh:
    """The things of each part in the order of a note, which goes by native names; what it does not name comes last."""
    parts: dict[str, Any] = {}
    for part, order in orders.items():
        places = {name: place for place, name in enumerate(order)}
        pairs = zip(getattr(found, part), getattr(noted, part), strict=True)
        ranked = sorted(pairs, key=lambda pair: places.get(str(pair[0].ref), len(places)))
        parts[part] = tuple(new for _, new in ranked)
    return replace(noted, **parts)


def _believed(found: Mesh, noted: Mesh, again: Mesh) -> Mesh:
    """`noted`, but what would not be written as it stands there natively is as `found`.

    `again` is what `noted` would be read as, natively. All three have the same things in the same places.
    """
    parts: dict[str, Any] = {}
    for part in _PARTS.values():
        rewritten = {each.ref: each for each in getattr(again, part)}
        pairs = zip(getattr(found, part), getattr(noted, part), strict=True)
        parts[part] = tuple(new if rewritten.get(old.ref) == old else old for old, new in pairs)
    return replace(noted, **parts)
