"""What a rollout may do: its guards, its error rates, its harm budget, its time."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Self

from canario.canary.fields import between, mapping, whole
from canario.canary.guards import Guard, check_edges, check_guards
from canario.errors import InvalidInput

LONGEST_WINDOW = 24 * 60 * 60
MOST_SERIES = 24  # keeps the state below 32 KiB
LISTS = ("latency_edges", "guards", "steps")


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

    Without `guards` there is one, of the errors, with the plan's own r₀, r₁ and tolerated rate; with guards, each has
    its own and the plan's are left alone. With `steps` the share follows the clock; without, it follows the evidence
    within the harm budget.
    """

    window_seconds: int = 60
    deadline_windows: int = 60  # from the first window's start; windows without data and gaps count
    absent_deadline_windows: int = 30  # a rollout whose data is absent for that long is held
    alpha: float = 0.01  # the chance at most that a canary which is not harmful is ever rolled back
    beta: float = 0.05  # the chance at most that a canary which is not safe is ever promoted
    r0: float = 1.0  # canary's failure rate ÷ baseline's: up to here it is not harmful
    r1: float = 2.0  # from here on it is not safe
    tolerated_rate: float = 0.001  # τ: a failure rate up to here is nobody's concern, whatever the ratio
    harm_budget: float = 10.0  # extra failed requests in one window that the ramp may risk
    smallest_share: float = 0.0  # the smallest above zero that the dialect can write; 0: any
    largest_share: float = 0.9  # before promotion; what it leaves on the baseline is for the watch
    noise_windows: int = 1  # windows at share 0 that only watch; from the baseline's pods they tell the noise
    watch_windows: int = 0  # windows that the baseline keeps its rest for after the proof; the ramp's only
    watch_run_length: float = 100_000.0  # windows of watching, on average, to a false alarm
    latency_edges: tuple[float, ...] = ()  # milliseconds, rising: counted besides those of the guards
    guards: tuple[Guard, ...] = ()
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        whole("window_seconds", self.window_seconds, f"whole seconds, 1 to {LONGEST_WINDOW}", 1, LONGEST_WINDOW)
        whole("deadline_windows", self.deadline_windows, "2 or more whole windows", 2, 10**6)
        whole("absent_deadline_windows", self.absent_deadline_windows, "1 or more whole windows", 1, 10**6)
        for name in ("alpha", "beta"):
            between(name, getattr(self, name), 1e-12, 0.5)
        between("r0", self.r0, 0.1, 100)
        between("r1", self.r1, self.r0, 1000, above=True)
        between("tolerated_rate", self.tolerated_rate, 0, 0.5)
        between("harm_budget", self.harm_budget, 0, 1e9, above=True)
        between("largest_share", self.largest_share, 0, 1, above=True, below=True)
        between("smallest_share", self.smallest_share, 0, self.largest_share)
        whole("noise_windows", self.noise_windows, "1 or more whole windows", 1, 10**6)
        whole("watch_windows", self.watch_windows, "0 or more whole windows", 0, 10**6)
        between("watch_run_length", self.watch_run_length, 10, 1e12)
        check_edges("latency_edges", self.latency_edges)
        check_guards(self.guards, MOST_SERIES)
        _check_flat(self)
        _check_steps(self.steps, self)

    @cached_property
    def watched(self) -> tuple[Guard, ...]:
        """Every guard that is reckoned. The ramp needs the errors: without a guard of them a muted one is added."""
        if not self.guards:
            return (Guard("errors", "errors", self.r0, self.r1, self.tolerated_rate),)
        if any(each.kind == "errors" for each in self.guards):
            return self.guards
        taken = {each.name for each in self.guards}
        name = next(name for name in ("errors", *(f"errors-{n}" for n in range(1, 99))) if name not in taken)
        return (*self.guards, Guard(name, "errors", muted=True))

    @cached_property
    def ramp_guard(self) -> int:
        """The place in `watched` of the guard that the ramp goes by: the first of the errors."""
        return next(n for n, each in enumerate(self.watched) if each.kind == "errors")

    @cached_property
    def edges(self) -> tuple[float, ...]:
        """All edges that an observation has counts for, in milliseconds, rising."""
        return tuple(sorted({*self.latency_edges, *(edge for each in self.guards for edge in each.edges)}))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: tuples as lists."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return plain | {
            "latency_edges": list(self.latency_edges),
            "guards": [each.to_dict() for each in self.guards],
            "steps": [asdict(each) for each in self.steps],
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """A plan from plain data; fields that are missing have their defaults. Raises InvalidInput."""
        values = dict(mapping("plan", given, [each.name for each in fields(cls)]))
        for name in LISTS:
            if not isinstance(values.get(name, ()), list | tuple):
                raise InvalidInput(name, values[name], "a list")
        values["latency_edges"] = tuple(values.get("latency_edges", ()))
        values["guards"] = tuple(
            Guard.from_dict(each, f"guards[{n}]") for n, each in enumerate(values.get("guards", ()))
        )
        values["steps"] = tuple(Step.from_dict(step, f"steps[{n}]") for n, step in enumerate(values.get("steps", ())))
        for each in fields(cls):
            if each.type is int and each.name in values:
                values[each.name] = whole(each.name, values[each.name], "a whole number", -math.inf)
        return cls(**values)


def _check_flat(plan: Plan) -> None:
    """The plan's own limits are those of its one guard; beside other guards they would be read by nobody."""
    for name in ("r0", "r1", "tolerated_rate") if plan.guards else ():
        if getattr(plan, name) != getattr(Plan, name):
            raise InvalidInput(name, getattr(plan, name), "its default beside guards: every guard has its own")


def _check_steps(steps: object, plan: Plan) -> None:
    if not isinstance(steps, tuple) or not all(isinstance(each, Step) for each in steps):
        raise InvalidInput("steps", steps, "a tuple of Step(share, windows)")
    before = 0.0
    for n, step in enumerate(steps):
        between(f"steps[{n}].share", step.share, max(before, plan.smallest_share), plan.largest_share, above=n > 0)
        if step.share == 0:
            raise InvalidInput(f"steps[{n}].share", step.share, "a share above zero")
        whole(f"steps[{n}].windows", step.windows, "1 or more whole windows", 1)
        before = step.share
    needed = plan.noise_windows + sum(each.windows for each in steps)
    if steps and needed > plan.deadline_windows:
        allowed = f"{needed} or more: {plan.noise_windows} to watch, and the steps' own"
        raise InvalidInput("deadline_windows", plan.deadline_windows, allowed)
