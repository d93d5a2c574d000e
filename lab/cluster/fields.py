"""Field sets: which parts of an object somebody owns.

A path is a tuple of FieldsV1 elements, as in `managedFields`: `f:spec`, `k:{"name":"web"}` for an item of a
list that is a map, `v:"x"` for an item of a set. Source: kubernetes-sigs/structured-merge-diff, fieldpath.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from typing import Any

from lab.cluster.objects import Obj
from lab.cluster.schema import Schema, item_key

Path = tuple[str, ...]
FieldSet = frozenset[Path]

# Nobody owns these: they name the object or belong to the server.
_SERVER_OWNED = frozenset(
    {
        "clusterName",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_HERE = object()  # the value of an item of a list, which exists apart from what is in it


def leaves(obj: Obj, schema: Schema) -> dict[Path, Any]:
    """Every path that can be owned, with its value."""
    result: dict[Path, Any] = {}
    for key, value in obj.items():
        if key in ("apiVersion", "kind"):
            continue
        if key == "metadata":
            value = {k: v for k, v in value.items() if k not in _SERVER_OWNED}
            if not value:
                continue
        _collect((f"f:{key}",), value, schema.child(key), result)
    return result


def field_set(obj: Obj, schema: Schema) -> FieldSet:
    return frozenset(leaves(obj, schema))


def _collect(path: Path, value: Any, schema: Schema, result: dict[Path, Any]) -> None:
    if not value or schema.atomic or not isinstance(value, dict | list):
        result[path] = value
    elif isinstance(value, dict):
        for key, item in value.items():
            _collect((*path, f"f:{key}"), item, schema.child(key), result)
    elif schema.list_keys or schema.is_set:
        for item in value:
            below = (*path, element(item, schema))
            result[below] = _HERE
            if schema.list_keys and isinstance(item, dict):
                for key, inner in item.items():
                    _collect((*below, f"f:{key}"), inner, schema.item.child(key), result)
    else:
        result[path] = value


def element(item: Any, schema: Schema) -> str:
    """The path element of an item of a list that is a map or a set."""
    if schema.is_set or not isinstance(item, dict):
        return "v:" + json.dumps(item, separators=(",", ":"))
    keys = dict(zip(schema.list_keys, item_key(item, schema), strict=True))
    return "k:" + json.dumps(keys, separators=(",", ":"), sort_keys=True)


def changed(old: dict[Path, Any], new: dict[Path, Any]) -> FieldSet:
    """What is new or different."""
    return frozenset(p for p, value in new.items() if p not in old or old[p] != value)


def encode(paths: Set[Path]) -> Obj:
    """FieldsV1. A path with paths below it is marked with `.`."""
    root: Obj = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
        node["."] = {}
    return _tidy(root)


def _tidy(node: Obj) -> Obj:
    if set(node) == {"."}:
        return {}
    return {key: ({} if key == "." else _tidy(below)) for key, below in node.items()}


def decode(fields: Obj) -> FieldSet:
    return frozenset(_paths(fields, ()))


def _paths(node: Obj, at: Path) -> Iterator[Path]:
    for step, below in node.items():
        if step == ".":
            yield at
        elif not below:
            yield (*at, step)
        else:
            yield from _paths(below, (*at, step))


def display(path: Path) -> str:
    """A path as people know it: `.spec.template.spec.containers[name="web"].image`."""
    return "".join(_shown(step) for step in path)


def _shown(step: str) -> str:
    kind, _, rest = step.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        return "[" + ",".join(f"{k}={json.dumps(v)}" for k, v in json.loads(rest).items()) + "]"
    return f"[={rest}]"
