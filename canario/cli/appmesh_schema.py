"""App Mesh's own schemas: what an API server with its CRDs refuses of a document, unknown fields too.

The CRDs come with the stage `controller` (docs/decisions/0012). Null fields are left aside, as the API server does.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from canario.errors import InvalidInput

_CRDS = ("canario.workshop", "manifests/appmesh-crds.ndjson")
_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "boolean": "true or false",
}
_ALLOWED: Mapping[str, Callable[[Any], str]] = {
    "type": lambda limit: _TYPES.get(str(limit), str(limit)),
    "enum": ", ".join,
    "minimum": lambda limit: f"at least {limit}",
    "maximum": lambda limit: f"at most {limit}",
    "minItems": lambda limit: f"at least {limit} of them",
    "maxItems": lambda limit: f"at most {limit} of them",
    "minLength": lambda limit: f"at least {limit} characters",
    "maxLength": lambda limit: f"at most {limit} characters",
    "pattern": lambda limit: f"what matches {limit}",
}


def trouble(manifest: Mapping[str, Any]) -> InvalidInput | None:
    """The first thing that the kind's schema has against the manifest, by its path in it; None when there is none, or
    no schema of that version and kind.
    """
    validator = _validators().get((str(manifest.get("apiVersion")), str(manifest.get("kind"))))
    found = sorted(validator.iter_errors(_without_nulls(manifest)), key=_place) if validator else []
    return _said(found[0]) if found else None


def _place(error: ValidationError) -> tuple[list[str], str]:
    return [f"{step:06}" if isinstance(step, int) else step for step in error.absolute_path], str(error.validator)


def _said(error: ValidationError) -> InvalidInput:
    path, schema, limit = list(error.absolute_path), error.schema, error.validator_value
    if error.validator == "required":
        missing = next(name for name in limit if name not in error.instance)
        return InvalidInput(_path([*path, missing]), None, "a value: this field is required")
    if error.validator == "additionalProperties" and limit is False:
        known = schema["properties"]
        unknown = next(name for name in error.instance if name not in known)
        allowed = f"{', '.join(sorted(known)) or 'nothing'} (there is no such field)"
        return InvalidInput(_path([*path, unknown]), error.instance[unknown], allowed)
    allowed = _ALLOWED[str(error.validator)](limit) if error.validator in _ALLOWED else error.message
    return InvalidInput(_path(path), error.instance, allowed)


def _path(steps: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _without_nulls(value: Any) -> Any:
    """Plain lists and objects, without fields that are null."""
    if isinstance(value, Mapping):
        return {str(name): _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


@cache
def _validators() -> dict[tuple[str, str], Draft202012Validator]:
    found = {}
    package, name = _CRDS
    for line in files(package).joinpath(name).read_text("utf-8").splitlines():
        spec = json.loads(line)["spec"]
        for version in spec["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            schema["properties"] |= {"metadata": {"type": "object"}, "apiVersion": {}, "kind": {}}
            key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
            found[key] = Draft202012Validator(_strict(schema))
    return found


def _strict(schema: Any) -> Any:
    """The schema with unknown fields refused, and without formats such as int64, which say nothing here."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "format" or isinstance(value, dict)}
    strict = {key: _strict(value) for key, value in kept.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        strict.setdefault("additionalProperties", False)
    return strict
