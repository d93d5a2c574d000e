"""Recorded series of counts, as text, into observations: CSV, JSON rows, a report, or GetMetricData's answer.

Columns: start, end, share, canary_requests, canary_errors, baseline_requests, baseline_errors, and for a latency edge
of 250 ms canary_slower_250, baseline_slower_250. Only start and the four counts are needed. A window without a count
is a window without data of that node, never zero.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canario.errors import InvalidInput

COUNTS = ("canary_requests", "canary_errors", "baseline_requests", "baseline_errors")
COLUMNS = ("start", "end", "share", *COUNTS)
SLOWER = re.compile(r"(canary|baseline)_slower_\d+(\.\d+)?")
OPTIONAL = f"{', '.join(COLUMNS)}, canary_slower_<milliseconds>, baseline_slower_<milliseconds>"
NESTED = ("canary", "baseline", "same_code")  # as an observation has them
OF_A_DECISION = {"requests": "canary_requests", "errors": "canary_errors", "in_force": "share"}


@dataclass(frozen=True)
class Row:
    """One window's raw fields, and where they were found: "line 7", "row 7", "the datapoint at …"."""

    where: str
    fields: Mapping[str, Any]

    def refuse(self, field: str, value: object, allowed: str) -> InvalidInput:
        return InvalidInput(f"{self.where}: {field}", value, allowed)


def rows(text: str, columns: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a recording. `columns`: the recording's own name → the column's name here. Raises InvalidInput."""
    names = columns or {}
    text = text.removeprefix("\ufeff")
    found = list(_from_json(text, names) if text.lstrip()[:1] in ("{", "[") else _from_csv(text, names))
    if not found:
        raise InvalidInput("recording", "no rows", "one row or more")
    return found


def _from_csv(text: str, names: Mapping[str, str]) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [names.get(name.strip(), name.strip()) for name in next(filter(any, reader), [])]
        if header:
            _check_header(Row(f"line {reader.line_num}", {}), header)
        for cells in reader:
            row = Row(f"line {reader.line_num}", dict(zip(header, (cell.strip() for cell in cells), strict=False)))
            if not any(row.fields.values()):
                continue
            if len(cells) != len(header):
                raise row.refuse("cells", len(cells), f"{len(header)} cells, as the first line has")
            yield row
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num}", str(error), "comma-separated values") from error


def _check_header(row: Row, header: Sequence[str]) -> None:
    for name in header:
        if name not in COLUMNS and not SLOWER.fullmatch(name):
            raise row.refuse("column", name, f"{OPTIONAL}; rename one with --column")
    for name in ("start", *COUNTS):
        if name not in header:
            raise row.refuse(name, None, f"a column of this name; there are {', '.join(header)}")
    if len(set(header)) < len(header):
        raise row.refuse("column", next(name for name in header if header.count(name) > 1), "each column once")


def _from_json(text: str, names: Mapping[str, str]) -> Iterator[Row]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InvalidInput("recording", f"{text[:20]}…", f"JSON ({error})") from error
    pages = content if isinstance(content, list) else [content]
    if pages and all(isinstance(page, Mapping) and "MetricDataResults" in page for page in pages):
        yield from _from_metrics(pages, names)
        return
    if isinstance(content, Mapping):
        content = _listed(content)
    for number, each in enumerate(content, 1):
        row = Row(f"row {number}", {})
        if not isinstance(each, Mapping):
            raise row.refuse("row", each, "an object with the columns as its fields")
        yield Row(row.where, _flat(each, names, row))


def _listed(content: Mapping[str, Any]) -> Sequence[Any]:
    """The decisions of a report, or of a rollout's records."""
    canary = content.get("canary", content)
    decisions = canary.get("decisions") if isinstance(canary, Mapping) else None
    if not isinstance(decisions, list):
        allowed = "a list of rows, a report with canary.decisions, or GetMetricData's MetricDataResults"
        raise InvalidInput("recording", f"an object with {', '.join(content) or 'nothing'}", allowed)
    return decisions


def _flat(given: Mapping[str, Any], names: Mapping[str, str], row: Row) -> dict[str, Any]:
    """One row's fields: plain columns, a decision's entry, or an observation with its counts nested."""
    if "reason" in given:
        return {new: given.get(old) for old, new in _of_a_decision()}
    fields: dict[str, Any] = {}
    for name, value in given.items():
        name = names.get(name, name)
        if name in NESTED or name in COLUMNS or SLOWER.fullmatch(name):
            fields[name] = value
        else:
            raise row.refuse("field", name, f"{OPTIONAL}; rename one with --column")
    for name in COUNTS:
        if name not in fields and name.partition("_")[0] not in fields:
            raise row.refuse(name, None, "a field of this name, null where there is no data")
    return fields


def _of_a_decision() -> Iterable[tuple[str, str]]:
    kept = ("start", "end", "baseline_requests", "baseline_errors")
    return (*((name, name) for name in kept), *OF_A_DECISION.items())


def _from_metrics(pages: Sequence[Any], names: Mapping[str, str]) -> Iterator[Row]:
    """A series is the column that its Label or its Id names; pages of one answer are put together."""
    table: dict[str, dict[str, Any]] = {}
    found: set[str] = set()
    for series in (each for page in pages for each in page["MetricDataResults"]):
        name = _column(series, names)
        found.add(name)
        for at, value in zip(series.get("Timestamps", ()), series.get("Values", ()), strict=False):
            table.setdefault(str(at), {"start": str(at)})[name] = value
    for name in COUNTS:
        if name not in found:
            raise InvalidInput("MetricDataResults", sorted(found), f"a series with the Label or Id {name} among them")
    for at in table:
        yield Row(f"the datapoint at {at}", table[at])


def _column(series: Mapping[str, Any], names: Mapping[str, str]) -> str:
    label, key = str(series.get("Label", "")), str(series.get("Id", ""))
    for each in (label, key):
        if _is_column(names.get(each, each)):
            return names.get(each, each)
    raise InvalidInput(f"series {key or label}", label, f"a Label or Id of {', '.join(COUNTS)}; or use --column")


def _is_column(name: str) -> bool:
    return name == "share" or name in COUNTS or SLOWER.fullmatch(name) is not None
