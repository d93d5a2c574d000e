"""Rows into observations: every field checked, the windows in order, the share found where it was not written."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sqrt
from typing import Any, Literal

from canario.canary.fields import LARGEST_COUNT, counted, moment, number
from canario.canary.observation import Counts, Observation
from canario.canary.plan import Plan
from canario.canary.recorded import Row
from canario.errors import InvalidInput

Shares = Literal["recorded", "measured"]
SAME_SHARE = 4.0  # standard deviations of chance within which two windows have had the same share


@dataclass(frozen=True)
class Recording:
    """Observations in order; whether their shares were written down, or are those of the requests."""

    observations: tuple[Observation, ...]
    shares: Shares

    @property
    def window_seconds(self) -> float:
        """The length of the shortest window."""
        return min((each.end - each.start).total_seconds() for each in self.observations)


def recording(found: Sequence[Row], plan: Plan, *, absent_errors_are_zero: bool = False) -> Recording:
    """Raises InvalidInput that names the row, the field, the value and what is allowed.

    A node's window is absent when its requests or its errors are; with `absent_errors_are_zero` only when its
    requests are, for sources that write nothing where they counted nothing.
    """
    by_time = sorted(((_moment(row, "start"), row) for row in found), key=lambda each: each[0].isoformat())
    try:
        by_time.sort(key=lambda each: each[0])
    except TypeError as error:
        raise InvalidInput("start", by_time[0][0].isoformat(), "a time zone in all rows, or in none") from error
    period = _period([at for at, _ in by_time], plan)
    zero = absent_errors_are_zero
    seen = [_observation(at, row, period, plan, zero) for at, row in by_time]
    _check_order(seen, [row for _, row in by_time])
    if all(_given(row, "share") is None for row in found):
        return Recording(tuple(_measured(seen)), "measured")
    return Recording(tuple(seen), "recorded")


def _observation(at: datetime, row: Row, period: timedelta, plan: Plan, zero: bool) -> Observation:
    end = at + period if _given(row, "end") is None else _moment(row, "end")
    share = _share(row)
    canary, baseline = _counts(row, "canary", plan, zero), _counts(row, "baseline", plan, zero)
    try:
        return Observation(at, end, share, canary, baseline, row.fields.get("same_code", False))
    except InvalidInput as error:
        raise row.refuse(error.field, error.value, error.allowed) from error


def _counts(row: Row, node: str, plan: Plan, zero: bool) -> Counts | None:
    nested = row.fields.get(node)
    if nested is not None:
        return _nested(row, node, nested, plan)
    requests, errors = _count(row, f"{node}_requests"), _count(row, f"{node}_errors")
    slower = [_count(row, f"{node}_slower_{edge:g}") for edge in plan.edges]
    if zero and requests is not None:
        errors, slower = errors or 0, [each or 0 for each in slower]
    if requests is None or errors is None:
        return None
    if errors > requests:
        raise row.refuse(f"{node}_errors", errors, f"at most the window's {requests} requests")
    known = tuple(each for each in slower if each is not None)
    try:
        return Counts(requests, errors, known if len(known) == len(slower) else None)
    except InvalidInput as error:
        raise row.refuse(f"{node}_slower", error.value, error.allowed) from error


def _nested(row: Row, node: str, given: object, plan: Plan) -> Counts:
    """An observation's own counts; of a plan without edges it counted none."""
    try:
        counts = Counts.from_dict(given, node)
    except InvalidInput as error:
        raise row.refuse(error.field, error.value, error.allowed) from error
    if counts.slower and len(counts.slower) != len(plan.edges):
        if plan.edges:
            raise row.refuse(f"{node}.slower", list(counts.slower), f"{len(plan.edges)} counts, one per latency edge")
        return replace(counts, slower=())
    return counts


def _given(row: Row, field: str) -> Any:
    """The field's value; None where there is none."""
    value = row.fields.get(field)
    return None if value is None or value == "" else value


def _count(row: Row, field: str) -> int | None:
    value = _given(row, field)
    if value is None:
        return None
    try:
        return counted(field, _as_number(value), LARGEST_COUNT)
    except InvalidInput as error:
        raise row.refuse(field, value, error.allowed) from error


def _share(row: Row) -> float:
    value, allowed = _given(row, "share"), "a number from 0 to 1"
    try:
        found = 0.0 if value is None else number("share", _as_number(value), allowed)
    except InvalidInput as error:
        raise row.refuse("share", value, allowed) from error
    if not 0 <= found <= 1:
        raise row.refuse("share", value, allowed)
    return found


def _as_number(value: object) -> object:
    """CSV has only text; what is no number stays as it is, and is refused by its reader."""
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        try:
            return float(value)
        except ValueError:
            return value


def _moment(row: Row, field: str) -> datetime:
    try:
        return moment(field, row.fields.get(field))
    except InvalidInput as error:
        raise row.refuse(field, row.fields.get(field), error.allowed) from error


def _period(starts: Sequence[datetime], plan: Plan) -> timedelta:
    """The shortest time from one start to the next; the plan's window when there is but one."""
    gaps = [after - before for before, after in itertools.pairwise(starts) if after > before]
    return min(gaps, default=timedelta(seconds=plan.window_seconds))


def _check_order(seen: Sequence[Observation], found: Sequence[Row]) -> None:
    for n in range(1, len(seen)):
        if seen[n].start < seen[n - 1].end:
            before = f"{found[n - 1].where} ends, {seen[n - 1].end.isoformat()}"
            raise found[n].refuse("start", seen[n].start.isoformat(), f"a time not before {before}: each window once")


def _measured(seen: Sequence[Observation]) -> list[Observation]:
    """The share of each stretch of windows that chance alone could make of one share; of windows between, the same."""
    stretches: list[list[int]] = []
    pooled = (0, 0)
    for n, each in enumerate(seen):
        served, of = _served(each)
        if not stretches or (of and not _same(pooled, (served, of))):
            stretches.append([])
            pooled = (0, 0)
        stretches[-1].append(n)
        pooled = pooled[0] + served, pooled[1] + of
    return [replace(seen[n], share=share) for n, share in _shares(seen, stretches)]


def _shares(seen: Sequence[Observation], stretches: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    found = []
    for stretch in stretches:
        pairs = [_served(seen[n]) for n in stretch]
        total = sum(of for _, of in pairs)
        found += [(n, sum(served for served, _ in pairs) / total if total else 0.0) for n in stretch]
    return found


def _served(window: Observation) -> tuple[int, int]:
    """The canary's requests, and both nodes'; (0, 0) where one is absent, for it says nothing of the share."""
    if window.canary is None or window.baseline is None:
        return 0, 0
    return window.canary.requests, window.canary.requests + window.baseline.requests


def _same(pooled: tuple[int, int], window: tuple[int, int]) -> bool:
    """Whether chance alone could make these two of one share."""
    (x, n), (y, m) = pooled, window
    if n == 0:
        return True
    share = (x + y) / (n + m)
    return abs(x / n - y / m) <= SAME_SHARE * sqrt(share * (1 - share) * (1 / n + 1 / m))
