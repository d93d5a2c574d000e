"""How to read and check each kind: one `Kind` for every served resource, built-in or custom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from jsonschema import Draft4Validator

from lab.cluster.builtin_schema import builtin_schema
from lab.cluster.custom_schema import custom_schema
from lab.cluster.defaults import apply_defaults
from lab.cluster.errors import Cause
from lab.cluster.objects import Obj
from lab.cluster.openapi_schema import fill_defaults, validator, violations
from lab.cluster.resources import Resource
from lab.cluster.schema import Schema
from lab.cluster.validation import validate


class Kind(Protocol):
    """What the API asks of a kind, whichever it is."""

    @property
    def schema(self) -> Schema: ...

    def fill(self, obj: Obj) -> None:
        """Set defaults in place."""
        ...

    def violations(self, obj: Obj, old: Obj | None) -> list[Cause]:
        """What is wrong with `obj`, which replaces `old` or is new."""
        ...


@dataclass(frozen=True)
class BuiltInKind:
    resource: Resource
    schema: Schema

    def fill(self, obj: Obj) -> None:
        apply_defaults(self.resource.key, obj)

    def violations(self, obj: Obj, old: Obj | None) -> list[Cause]:
        return validate(self.resource, obj, old, self.schema)


@dataclass(frozen=True)
class CustomKind:
    resource: Resource
    schema: Schema
    openapi: Mapping[str, Any] = field(repr=False)
    check: Draft4Validator = field(repr=False)

    def fill(self, obj: Obj) -> None:
        fill_defaults(obj, self.openapi)

    def violations(self, obj: Obj, old: Obj | None) -> list[Cause]:
        return validate(self.resource, obj, old, None) + violations(obj, self.check, self.schema)


class Kinds:
    """The kinds by resource and version."""

    def __init__(self) -> None:
        self._custom: dict[tuple[str, str], CustomKind] = {}

    def get(self, resource: Resource, version: str) -> Kind:
        if resource.custom:
            return self._custom[resource.key, version]
        return BuiltInKind(resource, builtin_schema(resource))

    def define(self, resource: Resource, version: str, openapi: Mapping[str, Any]) -> None:
        schema = custom_schema(resource.kind, openapi)
        self._custom[resource.key, version] = CustomKind(resource, schema, openapi, validator(openapi))

    def forget(self, resource: Resource) -> None:
        for version in resource.versions:
            self._custom.pop((resource.key, version), None)
