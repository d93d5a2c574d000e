"""Reading a manifest without losing anything: a field that nobody asked for is refused by its path."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from canario.errors import InvalidInput

_NAMES = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    Mapping: "an object",
    Sequence: "a list",
}


class Fields:
    """The fields of one JSON object at `path`. As a context manager it refuses, at the end, what was not
    read.

    A field that is null counts as absent. All errors are InvalidInput with the field's path.
    """

    def __init__(self, value: object, path: str) -> None:
        self.path = path
        self._fields = dict(typed(value, Mapping, path))
        self._read: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def close(self) -> None:
        """Refuse the first field that was not read."""
        for name, value in self._fields.items():
            if name not in self._read:
                allowed = ", ".join(sorted(self._read)) or "nothing"
                raise InvalidInput(self.where(name), value, f"{allowed} (this field is not supported here)")

    def where(self, name: str) -> str:
        return f"{self.path}.{name}"

    def present(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def skip(self, *names: str) -> None:
        """Read fields whose value does not matter here."""
        self._read.extend(names)

    def text(self, name: str) -> str:
        return str(self._required(name, str))

    def text_or(self, name: str, default: str) -> str:
        """An empty string counts as absent."""
        return str(self._optional(name, str) or default)

    def number(self, name: str) -> int:
        return int(self._required(name, int))

    def number_or_none(self, name: str) -> int | None:
        value = self._optional(name, int)
        return None if value is None else int(value)

    def flag_or(self, name: str, default: bool) -> bool:
        value = self._optional(name, bool)
        return default if value is None else bool(value)

    def inner(self, name: str) -> "Fields":
        return Fields(self._required(name, Mapping), self.where(name))

    def inner_or_none(self, name: str) -> "Fields | None":
        value = self._optional(name, Mapping)
        return None if value is None else Fields(value, self.where(name))

    def items(self, name: str) -> list["Fields"]:
        """The objects of a list; empty when it is absent."""
        values = self._optional(name, Sequence) or ()
        return [Fields(value, f"{self.where(name)}[{index}]") for index, value in enumerate(values)]

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._optional(name, Sequence) or ()
        return tuple(typed(value, str, f"{self.where(name)}[{i}]") for i, value in enumerate(values))

    def numbers(self, name: str) -> tuple[int, ...]:
        values = self._optional(name, Sequence) or ()
        return tuple(typed(value, int, f"{self.where(name)}[{i}]") for i, value in enumerate(values))

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """The entries of an object of strings, sorted."""
        values = self._optional(name, Mapping) or {}
        return tuple(sorted((key, typed(value, str, f"{self.where(name)}.{key}")) for key, value in values.items()))

    def _optional(self, name: str, kind: Any) -> Any:
        self._read.append(name)
        value = self._fields.get(name)
        return None if value is None else typed(value, kind, self.where(name))

    def _required(self, name: str, kind: Any) -> Any:
        self._read.append(name)
        return typed(self._fields.get(name), kind, self.where(name))


def typed(value: object, kind: Any, path: str) -> Any:
    """`value`, if it is of that kind."""
    wrong_number = kind is int and isinstance(value, bool)
    wrong_list = kind is Sequence and isinstance(value, str)
    if not isinstance(value, kind) or wrong_number or wrong_list:
        raise InvalidInput(path, value, _NAMES[kind])
    return value
