"""Validating custom objects: their CRD's OpenAPI schema as JSON Schema, failures worded as the API words them.

OpenAPI 3.0 is JSON Schema draft 4 with `nullable` and Kubernetes' `x-kubernetes-*` marks. CEL rules
(`x-kubernetes-validations`) are stored and shown but not evaluated: docs/lab-cluster.md says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

from lab.cluster.errors import Cause
from lab.cluster.objects import Obj, copy
from lab.cluster.schema import Schema, item_key

_SCHEMAS_IN = ("items", "additionalProperties", "not")
_SCHEMA_LISTS_IN = ("allOf", "anyOf", "oneOf")


def validator(openapi: Mapping[str, Any]) -> Draft4Validator:
    """A JSON Schema validator for one version of a custom kind."""
    return Draft4Validator(_json_schema(openapi))


def violations(obj: Obj, check: Draft4Validator, schema: Schema) -> list[Cause]:
    """Every way in which `obj` breaks its schema, in the order of the fields."""
    body = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    found = sorted(check.iter_errors(body), key=lambda e: _field(e.absolute_path))
    return [c for error in found for c in _causes(error)] + list(_duplicates(obj, schema, ""))


def fill_defaults(value: Any, openapi: Mapping[str, Any]) -> None:
    """Set the schema's `default`s in place, wherever a field is absent and its parent is there."""
    if isinstance(value, dict):
        for name, sub in (openapi.get("properties") or {}).items():
            if "default" in sub and name not in value:
                value[name] = copy(sub["default"])
            if name in value:
                fill_defaults(value[name], sub)
        extra = openapi.get("additionalProperties")
        if isinstance(extra, dict):
            for item in value.values():
                fill_defaults(item, extra)
    elif isinstance(value, list) and openapi.get("items"):
        for item in value:
            fill_defaults(item, openapi["items"])


def _json_schema(openapi: Any) -> Any:
    if not isinstance(openapi, dict):
        return openapi
    result = {key: value for key, value in openapi.items() if key[:2] != "x-" and key not in ("default", "example")}
    for key in _SCHEMAS_IN:
        if key in result:
            result[key] = _json_schema(result[key])
    for key in _SCHEMA_LISTS_IN:
        if key in result:
            result[key] = [_json_schema(sub) for sub in result[key]]
    if "properties" in result:
        result["properties"] = {name: _json_schema(sub) for name, sub in result["properties"].items()}
    if not _compiles(result.get("pattern", "")):
        del result["pattern"]
    if openapi.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    if result.pop("nullable", False) and "type" in result:
        types = result["type"] if isinstance(result["type"], list) else [result["type"]]
        result["type"] = [*types, "null"]
    return result


def _compiles(pattern: str) -> bool:
    """Patterns are Go's; the few that Python cannot read are not checked."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _field(path: Any) -> str:
    shown = ""
    for step in path:
        shown += f"[{step}]" if isinstance(step, int) else f".{step}" if shown else str(step)
    return shown


def _causes(error: ValidationError) -> list[Cause]:
    field, value = _field(error.absolute_path), json.dumps(error.instance)
    limit = error.validator_value
    match error.validator:
        case "required":
            missing = [name for name in limit if name not in error.instance]
            paths = [f"{field}.{name}" if field else name for name in missing]
            mine = [p for p in paths if f"'{p.rpartition('.')[2]}'" in error.message]
            return [Cause("FieldValueRequired", "Required value", p) for p in mine]
        case "enum":
            allowed = ", ".join(json.dumps(v) for v in limit)
            return [Cause("FieldValueNotSupported", f"Unsupported value: {value}: supported values: {allowed}", field)]
        case "type":
            return [_mistyped(error, field)]
        case "maxItems":
            what = f"Too many: {len(error.instance)}: must have at most {limit} items"
            return [Cause("FieldValueTooMany", what, field)]
        case "maxLength":
            return [Cause("FieldValueTooLong", f"Too long: may not be more than {limit} bytes", field)]
    return [_invalid(field, value, f"{field} in body {_should(error)}")]


def _mistyped(error: ValidationError, field: str) -> Cause:
    kind = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    got = kind.get(type(error.instance), "number")
    wanted = error.validator_value
    shown = wanted if isinstance(wanted, str) else ",".join(wanted)
    what = f'Invalid value: "{got}": {field} in body must be of type {shown}: "{got}"'
    return Cause("FieldValueTypeInvalid", what, field)


def _should(error: ValidationError) -> str:
    limit = error.validator_value
    match error.validator:
        case "minimum":
            return f"should be greater than or equal to {limit}"
        case "maximum":
            return f"should be less than or equal to {limit}"
        case "minItems":
            return f"should have at least {limit} items"
        case "minLength":
            return f"should be at least {limit} chars long"
        case "pattern":
            return f"should match '{limit}'"
    return str(error.message)


def _invalid(field: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {value}: {why}", field)


def _duplicates(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    """Items that a list of type map or set has twice."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _duplicates(item, schema.child(key), f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        seen: set[str] = set()
        for n, item in enumerate(value):
            yield from _duplicates(item, schema.item, f"{path}[{n}]")
            if schema.list_keys or schema.is_set:
                identity = json.dumps(item_key(item, schema) if schema.list_keys else item, sort_keys=True)
                if identity in seen:
                    yield Cause("FieldValueDuplicate", f"Duplicate value: {identity}", f"{path}[{n}]")
                seen.add(identity)
