"""What both nodes did in one window."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from canario.canary.fields import LARGEST_COUNT, counted, mapping, moment, number
from canario.canary.plan import Plan
from canario.errors import InvalidInput


@dataclass(frozen=True)
class Counts:
    """One node's window. `slower` has one count per latency edge of the plan, in the edges' order."""

    requests: int
    errors: int
    slower: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        most = counted("requests", self.requests)
        counted("errors", self.errors, most)
        for each in self.slower:  # the edges rise, so what is slower than them falls
            most = counted("slower", each, most)

    def __add__(self, other: "Counts") -> "Counts":
        slower = tuple(a + b for a, b in zip(self.slower, other.slower, strict=True))
        return Counts(self.requests + other.requests, self.errors + other.errors, slower)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"slower": list(self.slower)}

    @classmethod
    def from_dict(cls, given: object, field: str = "counts") -> Self:
        values = mapping(field, given, ("requests", "errors", "slower"))
        slower = values.get("slower", ())
        if not isinstance(slower, list | tuple):
            raise InvalidInput("slower", slower, "a list of whole numbers")
        return cls(
            counted("requests", values.get("requests")),
            counted("errors", values.get("errors")),
            tuple(counted("slower", each) for each in slower),
        )


@dataclass(frozen=True)
class Observation:
    """One window [start, end). `share` is the canary's share that was in force in it; None: no data."""

    start: datetime
    end: datetime
    share: float
    canary: Counts | None
    baseline: Counts | None

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

    @property
    def absent(self) -> tuple[str, ...]:
        """The nodes whose data is missing. A canary without a share owes none."""
        owed = {"baseline": self.baseline, "canary": self.canary if self.share > 0 else Counts(0, 0)}
        return tuple(name for name, counts in owed.items() if counts is None)

    def check(self, plan: Plan) -> None:
        """Raises InvalidInput unless every node has one count per latency edge of the plan, and none too large."""
        edges = len(plan.latency_edges)
        for name, counts in (("canary", self.canary), ("baseline", self.baseline)):
            if counts is None:
                continue
            counted(f"{name}.requests", counts.requests, LARGEST_COUNT)
            if len(counts.slower) != edges:
                raise InvalidInput(f"{name}.slower", counts.slower, f"{edges} counts, one per latency edge of the plan")

    def to_dict(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "share": self.share,
            "canary": self.canary and self.canary.to_dict(),
            "baseline": self.baseline and self.baseline.to_dict(),
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        values = mapping("observation", given, ("start", "end", "share", "canary", "baseline"), whole=True)
        canary, baseline = (values[name] for name in ("canary", "baseline"))
        return cls(
            moment("start", values["start"]),
            moment("end", values["end"]),
            number("share", values["share"], "a number from 0 to 1"),
            None if canary is None else Counts.from_dict(canary, "canary"),
            None if baseline is None else Counts.from_dict(baseline, "baseline"),
        )
