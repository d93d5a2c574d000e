"""What both nodes did in one window."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from canario.canary.fields import LARGEST_COUNT, counted, mapping, moment, number
from canario.canary.plan import Plan
from canario.errors import InvalidInput


@dataclass(frozen=True)
class Tally:
    """Things counted, and how many of them failed."""

    requests: int
    errors: int

    def __post_init__(self) -> None:
        if type(self.requests) is type(self.errors) is int and 0 <= self.errors <= self.requests:
            return  # the common case, dozens of times a decision
        counted("errors", self.errors, counted("requests", self.requests))

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.requests + other.requests, self.errors + other.errors)

    @classmethod
    def from_dict(cls, given: object, field: str) -> Self:
        values = mapping(field, given, ("requests", "errors"), whole=True)
        return cls(counted("requests", values["requests"]), counted("errors", values["errors"]))


@dataclass(frozen=True)
class Counts:
    """One node's window.

    `slower` has one count per latency edge of the plan, in the edges' order; None: that series is absent. `sampled`:
    the traces that X-Ray sampled, and how many have a fault of this node. `once`: the same requests with each trace
    or session counted once, and as failed if any of its requests failed; where it is there, it is what the errors are
    judged by. `pods`: the node's pods, by name.
    """

    requests: int
    errors: int
    slower: tuple[int, ...] | None = ()
    sampled: Tally | None = None
    once: Tally | None = None
    pods: Mapping[str, Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        most = counted("requests", self.requests)
        counted("errors", self.errors, most)
        for each in self.slower or ():  # the edges rise, so what is slower than them falls
            most = counted("slower", each, most)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `sampled`, `once` and `pods` only where they are there."""
        found: dict[str, Any] = {
            "requests": self.requests,
            "errors": self.errors,
            "slower": None if self.slower is None else list(self.slower),
        }
        tallies = {"sampled": self.sampled, "once": self.once}
        found |= {name: asdict(tally) for name, tally in tallies.items() if tally is not None}
        return found | ({"pods": {name: asdict(each) for name, each in self.pods.items()}} if self.pods else {})

    @classmethod
    def from_dict(cls, given: object, field: str = "counts") -> Self:
        values = mapping(field, given, ("requests", "errors", "slower", "sampled", "once", "pods"))
        slower = values.get("slower", ())
        if slower is not None and not isinstance(slower, list | tuple):
            raise InvalidInput("slower", slower, "a list of whole numbers, or null where it is absent")
        pods = values.get("pods") or {}
        if not isinstance(pods, Mapping):
            raise InvalidInput("pods", pods, 'an object such as {"pod-1": {"requests": 10, "errors": 0}}')
        tallies = {name: values.get(name) for name in ("sampled", "once")}
        return cls(
            counted("requests", values.get("requests")),
            counted("errors", values.get("errors")),
            None if slower is None else tuple(counted("slower", each) for each in slower),
            **{name: None if each is None else Tally.from_dict(each, name) for name, each in tallies.items()},
            pods={str(name): Tally.from_dict(each, f"pods.{name}") for name, each in pods.items()},
        )


@dataclass(frozen=True)
class Observation:
    """One window [start, end). `share` is the canary's share that was in force in it; None: no data.

    `same_code`: both nodes ran the same code (an A/A phase). Such a window is no evidence; it tells the noise.
    """

    start: datetime
    end: datetime
    share: float
    canary: Counts | None
    baseline: Counts | None
    same_code: bool = False

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("end", self.end)):
            if not isinstance(value, datetime):
                raise InvalidInput(name, value, "a datetime")
        if (self.start.utcoffset() is None) != (self.end.utcoffset() is None):
            raise InvalidInput("end", self.end.isoformat(), "a time zone where the start has one, none where not")
        if self.end <= self.start:
            raise InvalidInput("end", self.end.isoformat(), f"a time after the start, {self.start.isoformat()}")
        if not 0 <= number("share", self.share, "a number from 0 to 1") <= 1:
            raise InvalidInput("share", self.share, "a number from 0 to 1")
        if not isinstance(self.same_code, bool):
            raise InvalidInput("same_code", self.same_code, "true or false")

    @property
    def absent(self) -> tuple[str, ...]:
        """The nodes whose data is missing. A canary without a share owes none."""
        owed = {"baseline": self.baseline, "canary": self.canary if self.share > 0 else Counts(0, 0)}
        return tuple(name for name, counts in owed.items() if counts is None)

    def absent_series(self, plan: Plan) -> tuple[str, ...]:
        """What the plan decides by and the window does not have. What X-Ray samples is never owed."""
        if self.absent or not any(each.edges and not each.muted for each in plan.guards):
            return self.absent
        nodes = {"baseline": self.baseline, "canary": self.canary if self.share > 0 else None}
        return tuple(f"{name}'s latency" for name, counts in nodes.items() if counts and counts.slower is None)

    def check(self, plan: Plan) -> None:
        """Raises InvalidInput unless every node has one count per edge of the plan, or none, and none too large."""
        edges = len(plan.edges)
        for name, counts in (("canary", self.canary), ("baseline", self.baseline)):
            if counts is None:
                continue
            counted(f"{name}.requests", counts.requests, LARGEST_COUNT)
            if counts.slower is not None and len(counts.slower) != edges:
                allowed = f"{edges} counts, one per latency edge of the plan, or null where they are absent"
                raise InvalidInput(f"{name}.slower", counts.slower, allowed)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `same_code` only where it is so."""
        found = {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "share": self.share,
            "canary": self.canary and self.canary.to_dict(),
            "baseline": self.baseline and self.baseline.to_dict(),
        }
        return found | ({"same_code": True} if self.same_code else {})

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """The observation that `to_dict` gave. Raises InvalidInput that names the field."""
        names = ("start", "end", "share", "canary", "baseline")
        values = mapping("observation", given, (*names, "same_code"))
        mapping("observation", {name: each for name, each in values.items() if name in names}, names, whole=True)
        canary, baseline = (values[name] for name in ("canary", "baseline"))
        return cls(
            moment("start", values["start"]),
            moment("end", values["end"]),
            number("share", values["share"], "a number from 0 to 1"),
            None if canary is None else Counts.from_dict(canary, "canary"),
            None if baseline is None else Counts.from_dict(baseline, "baseline"),
            values.get("same_code", False),
        )
