"""The state of one canary: a value that goes through JSON between two decisions without loss."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal, Self, get_args

from canario.canary import stored
from canario.canary.combined import Weighed, nothing
from canario.canary.evidence import Evidence
from canario.canary.fields import counted, mapping, moment, number, whole
from canario.canary.plan import Plan
from canario.canary.pods import LeftOut, Pods
from canario.canary.split import Split
from canario.canary.traffic import Traffic
from canario.errors import InvalidInput

Outcome = Literal["promoted", "rolled_back", "held"]


@dataclass(frozen=True)
class Rollout:
    """Plan, evidence so far, share, outcome. `start` makes one, `decide` the next."""

    plan: Plan
    share: float = 0.0  # what the router should give the canary now
    outcome: Outcome | None = None
    windows: int = 0  # decided so far, those without data too
    began: datetime | None = None  # start of the first window; times with a zone are kept in UTC
    last_start: datetime | None = None  # of the last window decided
    last_end: datetime | None = None
    absent: Mapping[str, datetime] = field(default_factory=dict)  # series → start of the first window without it
    traffic: Traffic = field(default_factory=Traffic)
    guards: tuple[Weighed, ...] = ()  # one each of plan.watched
    pods: Pods = field(default_factory=dict)  # of the canary
    suspects: tuple[str, ...] = ()  # pods that were named so far, each as often as it was
    left_out: LeftOut = field(default_factory=dict)  # those of them that are left out of the evidence now
    split: Split = field(default_factory=Split)
    safe: bool = False  # the evidence that it is safe has been enough once
    dwell: int = 0  # windows that counted since the share is what it is
    step: int = 0  # of a clock schedule: the steps begun

    def __post_init__(self) -> None:
        if not self.guards:
            object.__setattr__(self, "guards", nothing(self.plan))

    @property
    def evidence(self) -> Evidence | None:
        """Of the errors, which the ramp goes by."""
        return self.guards[self.plan.ramp_guard].series[0]

    @property
    def failures(self) -> int:
        """The canary's, in the windows that counted."""
        return self.evidence.canary.errors if self.evidence else 0

    @property
    def dispersion(self) -> float:
        """The errors' φ."""
        return self.guards[self.plan.ramp_guard].noise.dispersion

    @property
    def watching(self) -> bool:
        """Proved safe, and all but what the baseline keeps for the watch has been given to the canary."""
        plan = self.plan
        return self.safe and not plan.steps and plan.watch_windows > 0 and self.share >= plan.largest_share

    @property
    def due(self) -> bool:
        """The deadline has been reached: by windows decided, or by the time that they and the gaps took."""
        if self.began is None:
            return False
        return max(self.windows, self._since(self.began)) >= self.plan.deadline_windows

    @property
    def absent_too_long(self) -> bool:
        """A series that the plan decides by has been absent for longer than the plan allows."""
        return any(self._since(start) >= self.plan.absent_deadline_windows for start in self.absent.values())

    def _since(self, start: datetime) -> float:
        """In windows, to the end of the last one."""
        elapsed = (self.last_end - start).total_seconds() if self.last_end else 0.0
        return elapsed / self.plan.window_seconds + 1e-6

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, below 32 KiB however long the rollout: times in ISO 8601, tuples as lists."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        times = {name: at.isoformat() for name, at in plain.items() if isinstance(at, datetime)}
        return (
            plain
            | times
            | {
                "plan": self.plan.to_dict(),
                "traffic": asdict(self.traffic),
                "split": asdict(self.split),
                "absent": {name: at.isoformat() for name, at in self.absent.items()},
                "guards": [stored.guard_to_dict(each) for each in self.guards],
                "pods": {name: stored.pod_to_dict(each) for name, each in self.pods.items()},
                "suspects": list(self.suspects),
                "left_out": {name: asdict(each) for name, each in self.left_out.items()},
            }
        )

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """The rollout that `to_dict` gave. Raises InvalidInput that names the field."""
        values = mapping("rollout", given, [each.name for each in fields(cls)], whole=True)
        plan = Plan.from_dict(values["plan"])
        if values["outcome"] not in (None, *get_args(Outcome)):
            raise InvalidInput("outcome", values["outcome"], f"null, {', '.join(get_args(Outcome))}")
        if not isinstance(values["safe"], bool):
            raise InvalidInput("safe", values["safe"], "true or false")
        return cls(
            plan=plan,
            share=stored.fraction("share", values["share"]),
            outcome=values["outcome"],
            safe=values["safe"],
            traffic=_traffic(values["traffic"]),
            guards=stored.guards_from(values["guards"], plan),
            pods=stored.pods_from(values["pods"]),
            suspects=stored.names("suspects", values["suspects"]),
            left_out=stored.left_out_from(values["left_out"]),
            split=_split(values["split"]),
            windows=counted("windows", values["windows"]),
            dwell=counted("dwell", values["dwell"]),
            step=whole("step", values["step"], "a step of the plan, 0 before the first", 0, len(plan.steps)),
            began=_time("began", values["began"]),
            last_start=_time("last_start", values["last_start"]),
            last_end=_time("last_end", values["last_end"]),
            absent=_absent(values["absent"]),
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidInput("rollout", text[:40], f"JSON ({error})") from error
        return cls.from_dict(given)


def utc(at: datetime) -> datetime:
    """The same moment in UTC; a time without a zone as it is."""
    return at if at.utcoffset() is None else at.astimezone(UTC)


def _time(name: str, value: object) -> datetime | None:
    return None if value is None else utc(moment(name, value))


def _absent(given: object) -> dict[str, datetime]:
    if not isinstance(given, Mapping):
        raise InvalidInput("absent", given, "an object of times")
    return {str(name): utc(moment(f"absent.{name}", at)) for name, at in given.items()}


def _traffic(given: object) -> Traffic:
    values = mapping("traffic", given, [each.name for each in fields(Traffic)], whole=True)
    requests, errors = (number(f"traffic.{name}", values[name], "a number") for name in ("requests", "errors"))
    surely = stored.fraction("traffic.surely", values["surely"])
    return Traffic(requests, errors, counted("traffic.last", values["last"]), surely)


def _split(given: object) -> Split:
    values = mapping("split", given, [each.name for each in fields(Split)], whole=True)
    share, last = (stored.fraction(f"split.{name}", values[name]) for name in ("share", "last"))
    return Split(share, counted("split.canary", values["canary"]), counted("split.total", values["total"]), last)
