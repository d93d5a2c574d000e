"""Who controls whom: owner references, and the claiming of objects that a selector matches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.cluster.client import Client
from lab.cluster.controllers.loop import Key
from lab.cluster.objects import Obj, dig, is_deleting, name_of, namespace_of, owners_of
from lab.cluster.selectors import selects


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference of the object's controller."""
    return next((owner for owner in owners_of(obj) if owner.get("controller")), None)


def controller_key(obj: Obj | None, kind: str) -> Key | None:
    """The key of the object's controller when that is of `kind`."""
    owner = controller_of(obj) if obj else None
    return (namespace_of(obj), owner["name"]) if obj and owner and owner.get("kind") == kind else None


def owner_reference(owner: Obj) -> Obj:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def labels_of(obj: Obj) -> dict[str, str]:
    labels: dict[str, str] = dig(obj, "metadata", "labels", default={})
    return labels


@dataclass(frozen=True)
class Claim:
    """What an owner has (`owned`), should take (`adopt`) and should let go (`release`)."""

    owned: tuple[Obj, ...]
    adopt: tuple[Obj, ...]
    release: tuple[Obj, ...]


def claim(owner: Obj, candidates: Iterable[Obj]) -> Claim:
    """Sort candidates by selector and controller, as Kubernetes' controller reference manager."""
    selector = dig(owner, "spec", "selector")
    uid = owner["metadata"]["uid"]
    owned: list[Obj] = []
    adopt: list[Obj] = []
    release: list[Obj] = []
    for obj in candidates:
        controller = controller_of(obj)
        matches = selects(selector, labels_of(obj))
        if controller is None and matches and not is_deleting(obj) and not is_deleting(owner):
            adopt.append(obj)
        elif controller is not None and controller["uid"] == uid:
            (owned if matches else release).append(obj)
    return Claim(tuple(owned), tuple(adopt), tuple(release))


async def claimed(client: Client, resource: str, owner: Obj, candidates: Iterable[Obj]) -> list[Obj]:
    """Adopt and release what `claim` says; everything that `owner` controls afterwards."""
    found = claim(owner, candidates)
    owned = list(found.owned)
    for obj in found.adopt:
        references = [*owners_of(obj), owner_reference(owner)]
        owned.append(await _set_owners(client, resource, obj, references))
    for obj in found.release:
        references = [r for r in owners_of(obj) if r["uid"] != owner["metadata"]["uid"]]
        await _set_owners(client, resource, obj, references)
    return owned


async def _set_owners(client: Client, resource: str, obj: Obj, references: list[Obj]) -> Obj:
    patch = {"metadata": {"ownerReferences": references}}
    return await client.patch(resource, name_of(obj), namespace_of(obj), patch)
