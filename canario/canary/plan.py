"""What a rollout may do: its error rates, its harm budget, its time."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from canario.canary.fields import mapping, number, whole
from canario.errors import InvalidInput

LONGEST_WINDOW = 24 * 60 * 60


@dataclass(frozen=True)
class Step:
    """One step of a clock schedule: a share, and the windows with data that it is kept for."""

    share: float
    windows: int

    @classmethod
    def from_dict(cls, given: object, field: str = "steps") -> Self:
        names = [each.name for each in fields(cls)]
        if not isinstance(given, Mapping) or set(given) != set(names):
            raise InvalidInput(field, given, 'objects such as {"share": 0.1, "windows": 5}')
        return cls(given["share"], given["windows"])


@dataclass(frozen=True)
class Plan:
    """The plan of one rollout. Every field has a default; a value that is not allowed raises InvalidInput.

    With `steps` the share follows the clock; without, it follows the evidence within the harm budget.
    """

    window_seconds: int = 60
    deadline_windows: int = 60  # from the first window's start; windows without data and gaps count
    alpha: float = 0.01  # the chance at most that a canary which is not harmful is ever rolled back
    beta: float = 0.05  # the chance at most that a canary which is not safe is ever promoted
    r0: float = 1.0  # canary's failure rate ÷ baseline's: up to here it is not harmful
    r1: float = 2.0  # from here on it is not safe
    tolerated_rate: float = 0.001  # τ: a failure rate up to here is nobody's concern, whatever the ratio
    harm_budget: float = 10.0  # extra failed requests in one window that the ramp may risk
    smallest_share: float = 0.0  # the smallest above zero that the dialect can write; 0: any
    largest_share: float = 0.9  # before promotion; what it leaves on the baseline is for the watch
    watch_windows: int = 1  # windows with data at the largest share before promotion; the ramp's only
    latency_edges: tuple[float, ...] = ()  # milliseconds, rising; counted, but no decision rests on them yet
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        whole("window_seconds", self.window_seconds, f"whole seconds, 1 to {LONGEST_WINDOW}", 1, LONGEST_WINDOW)
        whole("deadline_windows", self.deadline_windows, "2 or more whole windows", 2, 10**6)
        for name in ("alpha", "beta"):
            _between(name, getattr(self, name), 1e-12, 0.5)
        _between("r0", self.r0, 0.1, 100)
        _between("r1", self.r1, self.r0, 1000, above=True)
        _between("tolerated_rate", self.tolerated_rate, 0, 0.5)
        _between("harm_budget", self.harm_budget, 0, 1e9, above=True)
        _between("largest_share", self.largest_share, 0, 1, above=True, below=True)
        _between("smallest_share", self.smallest_share, 0, self.largest_share)
        whole("watch_windows", self.watch_windows, "0 or more whole windows", 0, 10**6)
        _check_edges(self.latency_edges)
        _check_steps(self.steps, self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: tuples as lists."""
        plain = asdict(self)
        return plain | {"latency_edges": list(self.latency_edges), "steps": list(plain["steps"])}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """A plan from plain data; fields that are missing have their defaults. Raises InvalidInput."""
        values = dict(mapping("plan", given, [each.name for each in fields(cls)]))
        for name in ("latency_edges", "steps"):
            if not isinstance(values.get(name, ()), list | tuple):
                raise InvalidInput(name, values[name], "a list")
        values["latency_edges"] = tuple(values.get("latency_edges", ()))
        values["steps"] = tuple(Step.from_dict(step, f"steps[{n}]") for n, step in enumerate(values.get("steps", ())))
        for each in fields(cls):
            if each.type is int and each.name in values:
                values[each.name] = whole(each.name, values[each.name], "a whole number", -math.inf)
        return cls(**values)


def _between(field: str, value: object, low: float, high: float, *, above: bool = False, below: bool = False) -> None:
    """Within [low, high]; an end that is itself not allowed is `above` or `below`."""
    allowed = f"a number {'above' if above else 'from'} {low:g} {'and below' if below else 'to'} {high:g}"
    found = number(field, value, allowed)
    if not low <= found <= high or (above and found == low) or (below and found == high):
        raise InvalidInput(field, value, allowed)


def _check_edges(edges: object) -> None:
    allowed = "milliseconds above zero, each larger than the one before"
    if not isinstance(edges, tuple):
        raise InvalidInput("latency_edges", edges, allowed)
    values = [number("latency_edges", each, allowed) for each in edges]
    if any(after <= before for before, after in zip([0.0, *values], values, strict=False)):
        raise InvalidInput("latency_edges", edges, allowed)


def _check_steps(steps: object, plan: Plan) -> None:
    if not isinstance(steps, tuple) or not all(isinstance(each, Step) for each in steps):
        raise InvalidInput("steps", steps, "a tuple of Step(share, windows)")
    before = 0.0
    for n, step in enumerate(steps):
        _between(f"steps[{n}].share", step.share, max(before, plan.smallest_share), plan.largest_share, above=n > 0)
        if step.share == 0:
            raise InvalidInput(f"steps[{n}].share", step.share, "a share above zero")
        whole(f"steps[{n}].windows", step.windows, "1 or more whole windows", 1)
        before = step.share
    if steps and 1 + sum(each.windows for each in steps) > plan.deadline_windows:
        needed = f"{1 + sum(each.windows for each in steps)} or more: one window to watch, and the steps' own"
        raise InvalidInput("deadline_windows", plan.deadline_windows, needed)
