"""Reading a body as a kind: unknown fields are named and pruned, wrong types refused, nulls dropped.

Follows the API's `fieldValidation`: Strict refuses unknown fields, Warn names them in a `Warning` header,
Ignore drops them in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.cluster.errors import bad_request
from lab.cluster.objects import Obj
from lab.cluster.schema import Schema

_ACCEPTS: dict[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str),
    "time": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "int-or-string": lambda v: isinstance(v, int | str) and not isinstance(v, bool),
    "quantity": lambda v: isinstance(v, int | float | str) and not isinstance(v, bool),
}
_JSON_NAMES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
_GO_NAMES = {"integer": "int32", "boolean": "bool", "number": "float64"}


@dataclass(frozen=True)
class Decoded:
    """The object without unknown fields and nulls, and the paths of those unknown fields."""

    obj: Obj
    unknown: tuple[str, ...]


@dataclass
class _Walk:
    kind: str
    api_version: str
    check_types: bool
    unknown: list[str] = field(default_factory=list)

    def value(self, value: Any, schema: Schema, path: str) -> Any:
        match schema.shape:
            case "struct":
                return self._struct(value, schema, path)
            case "map":
                return self._map(value, schema, path)
            case "list":
                return self._list(value, schema, path)
            case "scalar" if self.check_types and not _ACCEPTS.get(schema.name, bool)(value):
                raise self._mistyped(value, _GO_NAMES.get(schema.name, schema.name), path)
        return value

    def _struct(self, value: Any, schema: Schema, path: str) -> Any:
        if not isinstance(value, dict):
            return self._other_than(value, schema.name, path)
        result = {}
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            if key not in schema.fields and not schema.open:
                self.unknown.append(below)
            elif item is not None or not self.check_types:
                result[key] = self.value(item, schema.child(key), below)
        return result

    def _map(self, value: Any, schema: Schema, path: str) -> Any:
        if not isinstance(value, dict):
            return self._other_than(value, "map", path)
        return {key: self.value(item, schema.item, f"{path}.{key}") for key, item in value.items()}

    def _list(self, value: Any, schema: Schema, path: str) -> Any:
        if not isinstance(value, list):
            return self._other_than(value, "list", path)
        return [self.value(item, schema.item, f"{path}[{i}]") for i, item in enumerate(value)]

    def _other_than(self, value: Any, wanted: str, path: str) -> Any:
        """Custom kinds' types are the validator's business; built-in kinds cannot even be read."""
        if self.check_types:
            raise self._mistyped(value, wanted, path)
        return value

    def _mistyped(self, value: Any, wanted: str, path: str) -> Exception:
        what = f'{self.kind} in version "{self.api_version}" cannot be handled as a {self.kind}'
        got = _JSON_NAMES.get(type(value), "null")
        return bad_request(f"{what}: json: cannot unmarshal {got} into Go struct field {path} of type {wanted}")


def decode(obj: Obj, schema: Schema, *, custom: bool) -> Decoded:
    """Read `obj` as the kind of `schema`; 400 where a built-in kind's types do not fit."""
    version = str(obj.get("apiVersion", "")).rpartition("/")[2]
    walk = _Walk(str(obj.get("kind", schema.name)), version, check_types=not custom)
    if custom and isinstance(obj.get("metadata"), dict):
        strict = _Walk(walk.kind, version, check_types=True)
        strict.value(obj["metadata"], schema.child("metadata"), "metadata")
    pruned = walk.value(obj, schema, "")
    return Decoded(pruned, tuple(walk.unknown))


def refuse_unknown(unknown: tuple[str, ...]) -> None:
    """400 as a strict decoder words it."""
    if unknown:
        listed = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise bad_request(f"strict decoding error: {listed}")
