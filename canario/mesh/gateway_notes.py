"""Notes: what native fields cannot say of the model, as JSON in an annotation.

A note names only the fields in which what is read natively differs from the model; a value of the model is written
as JSON, a dataclass with its class under `is`. Members of a list that have names are told apart by these: what is
added to a list natively keeps no note of another member.
"""

import dataclasses
import types
import typing
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Any

_CLASS = "is"
_WHOLE = "="  # under this key stands a value; other objects name fields, or members, in which something differs
_GONE = "-"  # a member that stands there natively alone
_ORDER = "order"  # of a list's members, by name
_MEMBER = "of "  # before a member's name


def differences(native: Any, wanted: Any) -> Any:
    """What `merged` needs to make the second of the first; None when they are equal."""
    if native == wanted:
        return None
    if type(native) is type(wanted) and dataclasses.is_dataclass(native):
        named = [field.name for field in dataclasses.fields(native)]
        found = {name: differences(getattr(native, name), getattr(wanted, name)) for name in named}
        return {name: note for name, note in found.items() if note is not None}
    if _have_names(native) and _have_names(wanted):
        return _differences_of_members(native, wanted)
    return {_WHOLE: encode(wanted)}


def merged(native: Any, note: Any, kind: Any) -> Any:
    """`native` with what the note says; `kind` is its type. Raises ValueError when the note does not fit it."""
    if note is None:
        return native
    if not isinstance(note, dict):
        raise ValueError(f"{note!r} is no note")
    if _WHOLE in note:
        return decode(note[_WHOLE], kind)
    if dataclasses.is_dataclass(native) and not isinstance(native, type):
        hints = _hints(type(native))
        if not note.keys() <= hints.keys():
            raise ValueError(f"{type(native).__name__} has no {', '.join(sorted(note.keys() - hints.keys()))}")
        return dataclasses.replace(
            native, **{name: merged(getattr(native, name), each, hints[name]) for name, each in note.items()}
        )
    if isinstance(native, tuple):
        return _merged_members(native, note, typing.get_args(kind)[0])
    raise ValueError(f"{note!r} does not fit {native!r}")


def encode(value: Any) -> Any:
    """A value of the model as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {_CLASS: type(value).__name__, **{name: encode(each) for name, each in fields.items()}}
    if isinstance(value, tuple):
        return [encode(each) for each in value]
    return str(value) if isinstance(value, StrEnum) else value


def decode(value: Any, kind: Any) -> Any:
    """The value of type `kind` that `encode` wrote. Raises ValueError for anything else."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _decode_one_of(value, arguments)
    if origin is tuple:
        return _decode_tuple(value, arguments)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _decode_fields(value, kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if kind is type(None) and value is None:
        return None
    if kind not in (str, int, bool) or type(value) is not kind:
        raise ValueError(f"{value!r} is no {kind}")
    return value


def _decode_one_of(value: Any, kinds: Sequence[Any]) -> Any:
    for kind in kinds:
        try:
            return decode(value, kind)
        except ValueError:
            continue
    raise ValueError(f"{value!r} is none of {kinds}")


def _decode_tuple(value: Any, kinds: Sequence[Any]) -> Any:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    members = [kinds[0]] * len(value) if kinds[-1] is Ellipsis else list(kinds)
    if len(members) != len(value):
        raise ValueError(f"{value!r} has not {len(members)} members")
    return tuple(decode(each, member) for each, member in zip(value, members, strict=True))


def _decode_fields(value: Any, kind: type) -> Any:
    hints = _hints(kind)
    if not isinstance(value, dict) or value.get(_CLASS) != kind.__name__ or value.keys() - {_CLASS} != hints.keys():
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return kind(**{name: decode(value[name], hint) for name, hint in hints.items()})


def _differences_of_members(native: Any, wanted: Any) -> Any:
    written = {each.name: each for each in native}
    names = [each.name for each in wanted]
    found = {
        each.name: differences(written[each.name], each) if each.name in written else {_WHOLE: encode(each)}
        for each in wanted
    }
    note = {_MEMBER + name: each for name, each in found.items() if each is not None}
    note |= {_MEMBER + name: _GONE for name in written if name not in names}
    return note if names == list(written) else {_ORDER: names, **note}


def _merged_members(native: Any, note: dict[str, Any], kind: Any) -> Any:
    """What is there natively and was not there when the note was written comes last."""
    written = {each.name: each for each in native} if _have_names(native) else {}
    if len(written) != len(native):
        return native
    names = [*note.get(_ORDER, ()), *(name for name in written if name not in note.get(_ORDER, ()))]
    found = []
    for name in names:
        each = note.get(_MEMBER + name)
        if each == _GONE:
            continue
        if name in written:
            found.append(merged(written[name], each, kind))
        elif isinstance(each, dict) and _WHOLE in each:
            found.append(decode(each[_WHOLE], kind))
    return tuple(found)


def _have_names(members: Any) -> bool:
    """Whether it is a list whose members have names of their own, each another."""
    if not isinstance(members, tuple):
        return False
    names = [getattr(each, "name", None) for each in members]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
