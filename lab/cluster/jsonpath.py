"""The JSONPath of printer columns: `.spec.hosts`, `.status.conditions[?(@.type=="Ready")].status`, `[*]`, `[0]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

_STEP = re.compile(
    r"""\.?\[\?\(@\.(?P<key>[^=)\s]+)\s*==\s*["'](?P<value>[^"']*)["']\)\]"""
    r"""|\.?\[(?P<index>-?\d+)\]"""
    r"""|\.?\[(?P<all>\*)\]"""
    r"""|\.?\[["'](?P<quoted>[^"']+)["']\]"""
    r"""|\.(?P<name>(?:\\.|[^.\[\\])+)"""
)


class JsonPathError(ValueError):
    """A path that uses what printer columns do not."""


@cache
def _steps(path: str) -> tuple[tuple[str, str], ...]:
    path = path.strip().removeprefix("{").removesuffix("}")
    steps, at = [], 0
    while at < len(path):
        found = _STEP.match(path, at)
        if not found:
            raise JsonPathError(f"JSONPath {path!r}: cannot read {path[at:]!r}")
        kind = str(found.lastgroup)
        value = found[kind]
        steps.append(("filter", f"{found['key']}\0{value}") if kind == "value" else (kind, value))
        at = found.end()
    return tuple(steps)


def find(obj: Any, path: str) -> list[Any]:
    """The values at `path`, none where it leads nowhere."""
    values = [obj]
    for kind, argument in _steps(path):
        values = [found for value in values for found in _step(value, kind, argument)]
    return values


def _step(value: Any, kind: str, argument: str) -> Iterator[Any]:
    if kind in ("name", "quoted"):
        key = argument.replace("\\", "")
        if isinstance(value, dict) and value.get(key) is not None:
            yield value[key]
    elif not isinstance(value, list):
        return
    elif kind == "all":
        yield from value
    elif kind == "index":
        yield from value[int(argument) :][:1]
    else:
        key, wanted = argument.split("\0")
        yield from (item for item in value if isinstance(item, dict) and str(item.get(key)) == wanted)
