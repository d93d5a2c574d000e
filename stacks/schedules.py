"""What starts by itself: rollouts and workshops, by EventBridge Scheduler's expressions in a time zone's own hours."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zoneinfo import available_timezones

from canario.errors import InvalidInput
from canario.workshop.request import parse_request

LONGEST_FLEXIBLE_MINUTES = 1440  # EventBridge Scheduler's

T = TypeVar("T", bound="Schedule")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When; `flexible_minutes`: it starts within so many, 0: at once."""

    name: str
    expression: str
    time_zone: str = "UTC"
    flexible_minutes: int = 0


@dataclass(frozen=True, kw_only=True)
class RolloutSchedule(Schedule):
    template: str


@dataclass(frozen=True, kw_only=True)
class WorkshopSchedule(Schedule):
    """`workshops`: a class is one schedule; `input`: further fields of each execution's input."""

    workshops: tuple[str, ...]
    input: Mapping[str, Any] = field(default_factory=dict)

    def inputs(self) -> Iterable[Mapping[str, Any]]:
        return ({**self.input, "workshop": workshop} for workshop in self.workshops)


def rollout_schedules(given: Any) -> tuple[RolloutSchedule, ...]:
    """Raises ValueError or TypeError."""
    found = tuple(RolloutSchedule(**each) for each in given)
    _require(all(isinstance(each.template, str) for each in found))
    return _checked(found)


def workshop_schedules(given: Any) -> tuple[WorkshopSchedule, ...]:
    """Raises ValueError or TypeError; also where the workshop's machine would refuse an input."""
    found = tuple(WorkshopSchedule(**{**each, "workshops": tuple(each["workshops"])}) for each in given)
    try:
        for each in found:
            _require(len(set(each.workshops)) == len(each.workshops) > 0 and "workshop" not in each.input)
            for one in each.inputs():
                parse_request(one, dialects=("gateway",))
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    return _checked(found)


def _checked(found: Sequence[T]) -> tuple[T, ...]:
    _require(len({each.name for each in found}) == len(found))
    for each in found:
        texts = (each.name, each.expression, each.time_zone)
        _require(all(isinstance(text, str) for text in texts) and _NAME.fullmatch(each.name) is not None)
        _require(re.fullmatch(r"(cron|rate|at)\(.+\)", each.expression) is not None)
        _require(each.time_zone in available_timezones())
        minutes = each.flexible_minutes
        _require(type(minutes) is int and 0 <= minutes <= LONGEST_FLEXIBLE_MINUTES)
    return tuple(found)


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not allowed")
