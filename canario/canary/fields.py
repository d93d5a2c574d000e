"""Reading fields of plain data (JSON) with errors that name the field, the value and what is allowed."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from canario.errors import InvalidInput

LARGEST_COUNT = 10**15  # in one window; a float still counts it exactly


def number(field: str, value: object, allowed: str) -> float:
    """A finite number. Booleans, NaN, infinities and strings are refused."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise InvalidInput(field, value, allowed)
    return float(value)


def whole(field: str, value: object, allowed: str, least: float = 0, most: float = math.inf) -> int:
    """A whole number; 60.0 is one, because JSON does not tell it from 60."""
    found = number(field, value, allowed)
    if not found.is_integer() or not least <= found <= most:
        raise InvalidInput(field, value, allowed)
    return value if isinstance(value, int) else int(found)


def counted(field: str, value: object, most: float = math.inf) -> int:
    allowed = "a whole number, 0 or more" if most == math.inf else f"a whole number from 0 to {most:.15g}"
    return whole(field, value, allowed, most=most)


def numbers(field: str, value: object, length: int) -> tuple[float, ...]:
    allowed = f"a list of {length} finite numbers"
    if not isinstance(value, list | tuple) or len(value) != length:
        raise InvalidInput(field, value, allowed)
    return tuple(number(field, each, allowed) for each in value)


def between(field: str, value: object, low: float, high: float, *, above: bool = False, below: bool = False) -> None:
    """Within [low, high]; an end that is itself not allowed is `above` or `below`."""
    allowed = f"a number {'above' if above else 'from'} {low:g} {'and below' if below else 'to'} {high:g}"
    found = number(field, value, allowed)
    if not low <= found <= high or (above and found == low) or (below and found == high):
        raise InvalidInput(field, value, allowed)


def moment(field: str, value: object) -> datetime:
    allowed = "a time in ISO 8601, such as 2026-11-02T12:00:00+00:00"
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise InvalidInput(field, value, allowed)
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput(field, value, allowed) from error


def mapping(field: str, value: object, known: Iterable[str], *, whole: bool = False) -> Mapping[str, Any]:
    """An object with no field that is not `known`; with every one of them if `whole`."""
    names = list(known)
    if not isinstance(value, Mapping):
        raise InvalidInput(field, value, f"an object with the fields {', '.join(names)}")
    for name in value:
        if name not in names:
            raise InvalidInput(str(name), value[name], f"only the fields {', '.join(names)}")
    for name in names if whole else ():
        if name not in value:
            raise InvalidInput(name, None, f"a value: {field} has every one of the fields {', '.join(names)}")
    return value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond every float
        return False
