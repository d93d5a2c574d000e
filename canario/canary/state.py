"""The state of one canary: a value that goes through JSON between two decisions without loss."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal, Self, get_args

from canario.canary.bets import STEEPER
from canario.canary.evidence import Evidence, spread_ratios
from canario.canary.fields import counted, mapping, moment, number, numbers, whole
from canario.canary.observation import Tally
from canario.canary.plan import Plan
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
    absent_since: datetime | None = None  # start of the first window without data, if the last had none
    traffic: Traffic = field(default_factory=Traffic)
    evidence: Evidence | None = None
    safe: bool = False  # the evidence that it is safe has been enough once
    dwell: int = 0  # windows with requests on the canary since the share is what it is
    step: int = 0  # of a clock schedule: the steps begun

    @property
    def due(self) -> bool:
        """The deadline has been reached: by windows decided, or by the time that they and the gaps took."""
        if self.began is None or self.last_end is None:
            return False
        elapsed = (self.last_end - self.began).total_seconds() / self.plan.window_seconds
        return max(self.windows, elapsed + 1e-6) >= self.plan.deadline_windows

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, below 10 KiB however long the rollout: times in ISO 8601, tuples as lists."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        times = {name: at.isoformat() for name, at in plain.items() if isinstance(at, datetime)}
        evidence = self.evidence and _listed(asdict(self.evidence))
        return plain | times | {"plan": self.plan.to_dict(), "traffic": asdict(self.traffic), "evidence": evidence}

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
            share=_fraction("share", values["share"]),
            outcome=values["outcome"],
            safe=values["safe"],
            traffic=_traffic(values["traffic"]),
            evidence=None if values["evidence"] is None else _evidence(values["evidence"], plan),
            windows=counted("windows", values["windows"]),
            dwell=counted("dwell", values["dwell"]),
            step=whole("step", values["step"], "a step of the plan, 0 before the first", 0, len(plan.steps)),
            began=_time("began", values["began"]),
            last_start=_time("last_start", values["last_start"]),
            last_end=_time("last_end", values["last_end"]),
            absent_since=_time("absent_since", values["absent_since"]),
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


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _listed(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _time(name: str, value: object) -> datetime | None:
    return None if value is None else utc(moment(name, value))


def _fraction(name: str, value: object) -> float:
    found = number(name, value, "a number from 0 to 1")
    if not 0 <= found <= 1:
        raise InvalidInput(name, value, "a number from 0 to 1")
    return found


def _traffic(given: object) -> Traffic:
    values = mapping("traffic", given, [each.name for each in fields(Traffic)], whole=True)
    requests, errors = (number(f"traffic.{name}", values[name], "a number") for name in ("requests", "errors"))
    return Traffic(requests, errors, counted("traffic.last", values["last"]))


def _evidence(given: object, plan: Plan) -> Evidence:
    values = mapping("evidence", given, [each.name for each in fields(Evidence)], whole=True)
    lengths = {name: len(STEEPER) for name in ("against", "harmful")}
    lengths["spread"] = len(spread_ratios(plan.r0, plan.r1))
    return Evidence(
        windows=counted("evidence.windows", values["windows"]),
        changes=counted("evidence.changes", values["changes"]),
        share=_fraction("evidence.share", values["share"]),
        ratio_weight=_fraction("evidence.ratio_weight", values["ratio_weight"]),
        canary=Tally.from_dict(values["canary"], "evidence.canary"),
        baseline=Tally.from_dict(values["baseline"], "evidence.baseline"),
        **{name: numbers(f"evidence.{name}", values[name], length) for name, length in lengths.items()},
    )
