"""Strategic merge patch: what kubectl sends for built-in kinds when it applies, edits, labels or rolls out.

A merge patch in which some lists are merged by a key of their items, plus directives. Source: Kubernetes,
"Strategic Merge Patch" (sig-api-machinery), and k8s.io/apimachinery/pkg/util/strategicpatch.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from lab.cluster.errors import bad_request
from lab.cluster.objects import Obj
from lab.cluster.schema import Schema

_DIRECTIVE = "$patch"
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"
_RETAIN = "$retainKeys"
T = TypeVar("T")


def strategic_merge(target: Obj, patch: Obj, schema: Schema) -> Obj:
    """`target` after `patch`; 400 for directives that make no sense."""
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return _plain({key: value for key, value in patch.items() if key != _DIRECTIVE})
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"unknown strategic merge directive {_DIRECTIVE}: {directive!r}")
    result = dict(target)
    if _RETAIN in patch:
        result = {key: value for key, value in result.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_field(result, key, value, schema.child(key))
    _delete_primitives(result, patch)
    for key, order in patch.items():
        if key.startswith(_ORDER):
            field = key.removeprefix(_ORDER)
            if isinstance(result.get(field), list):
                result[field] = _ordered(result[field], order, schema.child(field))
    return result


def _merge_field(result: Obj, key: str, value: Any, schema: Schema) -> None:
    if value is None:
        result.pop(key, None)
    elif isinstance(value, dict):
        current = result.get(key)
        merged = strategic_merge(current if isinstance(current, dict) else {}, value, schema)
        if value.get(_DIRECTIVE) == "delete":
            result.pop(key, None)
        else:
            result[key] = merged
    elif isinstance(value, list):
        result[key] = _merge_list(result.get(key) or [], value, schema)
    else:
        result[key] = value


def _merge_list(current: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
    if schema.is_set:
        return current + [item for item in patch if item not in current]
    if not schema.list_keys:
        return _plain([item for item in patch if not _is_directive(item)])
    if any(isinstance(item, dict) and item == {_DIRECTIVE: "replace"} for item in patch):
        return _plain([item for item in patch if not _is_directive(item)])
    return _merge_items(current, patch, schema)


def _is_directive(item: Any) -> bool:
    return isinstance(item, dict) and set(item) == {_DIRECTIVE}


def _merge_items(current: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
    key = schema.list_keys[0]
    result = list(current)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        at = next((i for i, old in enumerate(result) if old.get(key) == item[key]), None)
        if item.get(_DIRECTIVE) == "delete":
            result = [old for old in result if old.get(key) != item[key]]
        elif at is None:
            result.append(strategic_merge({}, item, schema.item))
        else:
            result[at] = strategic_merge(result[at], item, schema.item)
    return result


def _delete_primitives(result: Obj, patch: Obj) -> None:
    for key, unwanted in patch.items():
        if key.startswith(_DELETE_PRIMITIVES):
            field = key.removeprefix(_DELETE_PRIMITIVES)
            result[field] = [item for item in result.get(field) or [] if item not in unwanted]


def _ordered(items: list[Any], order: list[Any], schema: Schema) -> list[Any]:
    """Items in the given order; those it does not name keep their place after the item they followed."""
    key = schema.list_keys[0] if schema.list_keys else ""
    identity = [item.get(key) if isinstance(item, dict) else item for item in items]
    wanted = [entry.get(key) if isinstance(entry, dict) else entry for entry in order]
    rank = {value: n for n, value in enumerate(wanted)}
    positions: list[tuple[float, int]] = []
    last = -1.0
    for n, value in enumerate(identity):
        last = float(rank[value]) if value in rank else last
        positions.append((last if value in rank else last + 0.5, n))
    return [items[n] for _, n in sorted(positions)]


def _plain(value: T) -> T:
    """A copy without directives."""
    return cast(T, _without_directives(value))


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_directives(item) for key, item in value.items() if not key.startswith("$")}
    if isinstance(value, list):
        return [_without_directives(item) for item in value if not _is_directive(item)]
    return value
