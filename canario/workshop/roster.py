"""A roster: the workshops of a class, one a line. Text in, inputs of executions out.

Either a list, one id a line, or a CSV whose first line names its columns, `workshop` among them; separated by commas,
or by semicolons as spreadsheets in Portuguese write it. Empty lines and lines that begin with `#` do not count.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from canario.errors import InvalidInput
from canario.workshop.request import parse_request

COLUMNS = ("workshop", "mesh", "mode", "until", "guided_from", "ttl_hours")
DELIMITERS = (",", ";")


@dataclass(frozen=True)
class Entry:
    """A workshop's line, and the input of its execution; what is not in it has the installation's default."""

    line: int
    request: Mapping[str, Any]

    @property
    def workshop(self) -> str:
        return str(self.request["workshop"])


def parse_roster(text: str, shared: Mapping[str, Any], *, dialects: Sequence[str]) -> tuple[Entry, ...]:
    """`shared`: what all have in common; a cell that is not empty says otherwise for its own workshop.

    Raises InvalidInput naming the line, the field, its value and what is allowed.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if _counts(line)]
    rows = list(_table(lines) if lines and _is_header(lines[0][1]) else _list(lines))
    if not rows:
        raise InvalidInput("roster", "no workshop", "at least one line with a workshop's id")
    entries = tuple(_entry(number, cells, shared, dialects) for number, cells in rows)
    _refuse_duplicates(entries)
    return entries


def _counts(line: str) -> bool:
    return bool(line.strip(" \t,;")) and not line.lstrip().startswith("#")


def _is_header(line: str) -> bool:
    return "workshop" in _cells(line, _delimiter(line))


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _list(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, line in lines:
        yield number, {"workshop": line.strip()}


def _table(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    (first, header), *rest = lines
    delimiter = _delimiter(header)
    columns = _cells(header, delimiter)
    for name in columns:
        if name not in COLUMNS or columns.count(name) > 1:
            raise InvalidInput(f"roster line {first}, column", name, f"each at most once: {', '.join(COLUMNS)}")
    for number, line in rest:
        cells = _cells(line, delimiter)
        if len(cells) > len(columns):
            raise InvalidInput(f"roster line {number}", line.strip(), f"{len(columns)} cells: {', '.join(columns)}")
        yield number, {name: cell for name, cell in zip(columns, cells, strict=False) if cell}


def _entry(number: int, cells: Mapping[str, str], shared: Mapping[str, Any], dialects: Sequence[str]) -> Entry:
    request: dict[str, Any] = {**shared, **cells}
    with suppress(KeyError, ValueError):  # what is no number is refused as it is
        request["ttl_hours"] = float(cells["ttl_hours"])
    try:
        parse_request(request, dialects=dialects)
    except InvalidInput as error:
        raise InvalidInput(f"roster line {number}, {error.field}", error.value, error.allowed) from error
    return Entry(number, request)


def _refuse_duplicates(entries: Sequence[Entry]) -> None:
    seen: dict[str, int] = {}
    for entry in entries:
        if entry.workshop in seen:
            allowed = f"each workshop once; line {seen[entry.workshop]} has it already"
            raise InvalidInput(f"roster line {entry.line}, workshop", entry.workshop, allowed)
        seen[entry.workshop] = entry.line
