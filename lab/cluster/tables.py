"""Tables: how `kubectl get` shows objects. The columns of each kind are in `columns.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.cluster.jsonpath import JsonPathError, find
from lab.cluster.objects import Obj, dig

Cell = Callable[[Obj, datetime], Any]


@dataclass(frozen=True)
class Column:
    """`wide`: shown only by `-o wide`."""

    name: str
    cell: Cell
    type: str = "string"
    format: str = ""
    wide: bool = False

    def definition(self) -> Obj:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.name,
            "priority": int(self.wide),
        }


def age(at: str | None, now: datetime) -> str:
    """A timestamp as people read it: `12s`, `3m20s`, `4h`, `2d`. Source: k8s.io/apimachinery/pkg/util/duration."""
    if not at:
        return "<unknown>"
    seconds = int((now - datetime.fromisoformat(at)).total_seconds())
    if seconds < 0:
        return "0s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y"


NAME = Column("Name", lambda obj, _: obj["metadata"]["name"], format="name")
AGE = Column("Age", lambda obj, now: age(dig(obj, "metadata", "creationTimestamp"), now))


def printer_columns(declared: Sequence[Obj]) -> tuple[Column, ...]:
    """The columns of a custom kind, from its `additionalPrinterColumns`."""
    if not declared:
        return (NAME, AGE)
    return (NAME, *(_printer_column(column) for column in declared))


def _printer_column(declared: Obj) -> Column:
    path, kind = declared["jsonPath"], declared.get("type", "string")

    def cell(obj: Obj, now: datetime) -> Any:
        try:
            found = find(obj, path)
        except JsonPathError:
            return None
        if not found:
            return None
        if kind == "date":
            return age(str(found[0]), now)
        return found[0] if kind in ("integer", "number", "boolean") else _joined(found)

    return Column(declared["name"], cell, "string" if kind == "date" else kind, wide=bool(declared.get("priority")))


def _joined(found: list[Any]) -> str:
    shown = [v if isinstance(v, str) else _plain(v) for v in found]
    return ",".join(shown)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(f'"{v}"' if isinstance(v, str) else _plain(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def table(
    items: Sequence[Obj], columns: Sequence[Column], now: datetime, *, metadata: Obj, include: str = "Metadata"
) -> Obj:
    """A meta.k8s.io/v1 Table; `include`: what each row carries of its object (None, Metadata, Object)."""
    rows = []
    for obj in items:
        row: Obj = {"cells": [column.cell(obj, now) for column in columns]}
        if include != "None":
            row["object"] = obj if include == "Object" else partial_metadata(obj)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [column.definition() for column in columns],
        "rows": rows,
    }


def partial_metadata(obj: Obj) -> Obj:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
