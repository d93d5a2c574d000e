"""Who owns which fields: `metadata.managedFields` as a value, and what every kind of write does to it.

Source: Kubernetes' server-side apply (KEP-555) and kubernetes-sigs/structured-merge-diff, merge.Updater.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.cluster.errors import bad_request
from lab.cluster.fields import FieldSet, changed, decode, encode, leaves
from lab.cluster.objects import Obj
from lab.cluster.schema import Schema


@dataclass(frozen=True)
class Manager:
    """Whoever wrote: a name, the operation (Apply or Update), the version and subresource written through."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


@dataclass(frozen=True)
class Owned:
    fields: FieldSet
    time: str


Managers = Mapping[Manager, Owned]


def read(obj: Obj) -> dict[Manager, Owned]:
    """The managers of an object; 400 for entries that cannot be read."""
    result = {}
    for entry in (obj.get("metadata") or {}).get("managedFields") or []:
        manager = Manager(
            str(entry.get("manager", "")),
            str(entry.get("operation", "")),
            str(entry.get("apiVersion", "")),
            str(entry.get("subresource", "")),
        )
        if manager.operation not in ("Apply", "Update"):
            raise bad_request(f"metadata.managedFields: {manager.operation!r} is not Apply or Update")
        result[manager] = Owned(decode(entry.get("fieldsV1") or {}), str(entry.get("time", "")))
    return result


def write(obj: Obj, managers: Managers) -> None:
    """Set the object's managedFields: appliers first, then by time and name, as the API server sorts them."""
    entries = []
    for manager, owned in sorted(managers.items(), key=_order):
        if not owned.fields:
            continue
        entry: Obj = {"manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version}
        if owned.time:
            entry["time"] = owned.time
        entry |= {"fieldsType": "FieldsV1", "fieldsV1": encode(owned.fields)}
        if manager.subresource:
            entry["subresource"] = manager.subresource
        entries.append(entry)
    obj["metadata"].pop("managedFields", None)
    if entries:
        obj["metadata"]["managedFields"] = entries


def _order(entry: tuple[Manager, Owned]) -> tuple[bool, str, str, str]:
    manager, owned = entry
    return manager.operation != "Apply", owned.time, manager.name, manager.subresource


def track_update(old: Obj | None, new: Obj, schema: Schema, manager: Manager, time: str) -> None:
    """Set `new`'s managedFields after a write that was no apply: who changes a field takes it from its owners."""
    managers = read(new) or (read(old) if old else {})
    before = leaves(old, schema) if old else {}
    after = leaves(new, schema)
    taken = changed(before, after)
    gone = frozenset(before.keys() - after.keys())
    mine = managers.get(manager, Owned(frozenset(), time))
    if taken or gone:
        managers = subtract(managers, lambda m: gone if m == manager else gone | taken)
        fields = (mine.fields - gone) | taken
        managers[manager] = Owned(fields, time if fields != mine.fields or taken else mine.time)
    write(new, managers)


def subtract(managers: Managers, lost: Callable[[Manager], FieldSet]) -> dict[Manager, Owned]:
    """The managers without what each has lost."""
    return {m: Owned(owned.fields - lost(m), owned.time) for m, owned in managers.items()}
