"""What the API knows about the shape of objects: one small model for built-in kinds and custom ones.

Merging, pruning, field ownership and strict decoding all walk an object along its schema.
The words (`atomic`, list keys, sets) are those of Kubernetes' `x-kubernetes-*` schema extensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

Shape = Literal["struct", "map", "list", "scalar", "any"]


@dataclass(frozen=True, eq=False)
class Schema:
    """One node of a schema. Fields of structs are read on first use: some types contain themselves."""

    shape: Shape
    name: str = ""  # the Go name of a struct, the JSON type of a scalar
    load_fields: Callable[[], Mapping[str, Schema]] = field(default=dict, repr=False)
    items: Schema | None = None  # of lists and maps
    atomic: bool = False  # owned and replaced as a whole
    open: bool = False  # a struct that keeps fields it does not know
    list_keys: tuple[str, ...] = ()  # a list that is a map: what identifies an item; the first is the mergeKey
    is_set: bool = False
    retain_keys: bool = False  # patchStrategy=retainKeys
    required: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of the item's keys, in lists that are maps

    @cached_property
    def fields(self) -> Mapping[str, Schema]:
        return self.load_fields()

    def child(self, key: str) -> Schema:
        """The schema of a field of a struct or a value of a map; `ANY` where nothing is known."""
        if self.shape == "struct":
            return self.fields.get(key, ANY)
        return self.items or ANY

    @property
    def item(self) -> Schema:
        return self.items or ANY

    def with_(self, **changes: Any) -> Schema:
        return replace(self, **changes)


ANY = Schema("any")
STRING = Schema("scalar", "string")


def item_key(item: Any, schema: Schema) -> tuple[Any, ...]:
    """What identifies an item of a list that is a map; absent keys count with their defaults."""
    if not isinstance(item, dict):
        return (item,)
    return tuple(item.get(key, schema.defaults.get(key)) for key in schema.list_keys)
