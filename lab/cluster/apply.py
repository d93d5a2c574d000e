"""Server-side apply: merge what a manager wants into the object, drop what it no longer wants, name conflicts.

Source: Kubernetes' KEP-555 and kubernetes-sigs/structured-merge-diff (merge.Updater.Apply).
"""

from __future__ import annotations

from typing import Any

from lab.cluster import managers as owners
from lab.cluster.errors import ApiError, Cause
from lab.cluster.fields import FieldSet, Path, changed, display, element, field_set, leaves
from lab.cluster.managers import Manager, Owned
from lab.cluster.objects import Obj, copy
from lab.cluster.schema import Schema, item_key


def apply(live: Obj, config: Obj, schema: Schema, manager: Manager, *, time: str, force: bool) -> Obj:
    """The object after `manager` applied `config`, managedFields included; 409 naming owner and field."""
    known = owners.read(live)
    wanted = field_set(config, schema)
    before = known.get(manager, Owned(frozenset(), ""))
    merged = _merge(live, _without_managed_fields(config), schema)
    others = {m: owned for m, owned in known.items() if m != manager}
    taken = changed(leaves(live, schema), leaves(merged, schema))
    if not force:
        _refuse_conflicts(others, taken)
    merged = _prune(merged, before.fields - wanted, _owned_by(others), schema)
    gone = frozenset(leaves(live, schema).keys() - leaves(merged, schema).keys())
    result = owners.subtract(others, lambda _: taken | gone)
    unchanged = before.fields == wanted and not taken and not gone
    result[manager] = Owned(wanted, before.time if unchanged else time)
    owners.write(merged, result)
    return merged


def _without_managed_fields(config: Obj) -> Obj:
    config = copy(config)
    config.setdefault("metadata", {}).pop("managedFields", None)
    return config


def _owned_by(managers: dict[Manager, Owned]) -> FieldSet:
    return frozenset(path for owned in managers.values() for path in owned.fields)


def _refuse_conflicts(others: dict[Manager, Owned], taken: FieldSet) -> None:
    found = {m: sorted(owned.fields & taken) for m, owned in others.items() if owned.fields & taken}
    if not found:
        return
    causes = [
        Cause("FieldManagerConflict", f"conflict with {_described(manager)}", display(path)).to_dict()
        for manager, paths in found.items()
        for path in paths
    ]
    count = f"{len(causes)} conflict" + ("s" if len(causes) > 1 else "")
    listed = "\n".join(_listed(_described(manager), paths) for manager, paths in found.items())
    raise ApiError(409, "Conflict", f"Apply failed with {count}: {listed}", {"causes": causes})


def _described(manager: Manager) -> str:
    through = f' with subresource "{manager.subresource}"' if manager.subresource else ""
    using = f" using {manager.api_version}" if manager.operation == "Update" else ""
    return f'"{manager.name}"{through}{using}'


def _listed(who: str, paths: list[Path]) -> str:
    if len(paths) == 1:
        return f"conflict with {who}: {display(paths[0])}"
    return f"conflicts with {who}:\n" + "\n".join(f"- {display(path)}" for path in paths)


def _merge(live: Any, config: Any, schema: Schema) -> Any:
    if isinstance(live, dict) and isinstance(config, dict) and not schema.atomic:
        result = dict(live)
        for key, value in config.items():
            result[key] = _merge(live[key], value, schema.child(key)) if key in live else copy(value)
        return result
    if isinstance(live, list) and isinstance(config, list) and not schema.atomic:
        if schema.list_keys:
            return _merge_items(live, config, schema)
        if schema.is_set:
            return live + [item for item in config if item not in live]
    return copy(config)


def _merge_items(live: list[Any], config: list[Any], schema: Schema) -> list[Any]:
    wanted = {item_key(item, schema): item for item in config}
    merged = [
        _merge(item, wanted.pop(item_key(item, schema)), schema.item) if item_key(item, schema) in wanted else item
        for item in live
    ]
    return merged + [copy(item) for item in wanted.values()]


def _prune(obj: Obj, dropped: FieldSet, kept: FieldSet, schema: Schema) -> Obj:
    """`obj` without what its applier dropped and nobody else owns."""
    remove = dropped - kept
    protected = {path[:n] for path in kept for n in range(1, len(path))}
    result = {}
    for key, value in obj.items():
        after = _pruned(value, (f"f:{key}",), schema.child(key), remove - protected)
        if after is not _GONE:
            result[key] = after
    return result


_GONE = object()


def _pruned(value: Any, path: Path, schema: Schema, remove: FieldSet) -> Any:
    if path in remove:
        return _GONE
    if schema.atomic or not value:
        return value
    if isinstance(value, dict):
        items = {k: _pruned(v, (*path, f"f:{k}"), schema.child(k), remove) for k, v in value.items()}
        left: Any = {k: v for k, v in items.items() if v is not _GONE}
    elif isinstance(value, list) and (schema.list_keys or schema.is_set):
        kept = [_pruned(v, (*path, element(v, schema)), schema.item, remove) for v in value]
        left = [v for v in kept if v is not _GONE]
    else:
        return value
    return left if left or not _touches(path, remove) else _GONE


def _touches(path: Path, remove: FieldSet) -> bool:
    return any(p[: len(path)] == path for p in remove)
