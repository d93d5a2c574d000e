"""What a plan compares: each guard is one question about the canary, with its own limits and its own say."""

import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from canario.canary.fields import between, mapping, number
from canario.errors import InvalidInput

GuardKind = Literal["errors", "latency", "limit", "faults"]
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
EDGES = "milliseconds above zero, each larger than the one before"


@dataclass(frozen=True)
class Guard:
    """One question about the canary.

    - `errors`: is its failure rate above max(r₀ × the baseline's, the tolerated rate)?
    - `latency`: the same of the requests slower than each of `edges`, in milliseconds.
    - `limit`: is the part of its requests that fail (or, with one edge, that are slower) above `most`, and above the
      baseline's too? A baseline outside the limit freezes the ramp.
    - `faults`: as `errors`, of the traces that X-Ray sampled. Its absence holds nothing.

    `errors` and `latency` also have to be proved below max(r₁ × the baseline's, the tolerated rate) before promotion;
    `limit` and `faults` only vote against. A muted guard is reckoned and reported, and decides nothing.
    """

    name: str
    kind: GuardKind
    r0: float = 1.0
    r1: float = 2.0
    tolerated_rate: float = 0.001
    weight: float = 1.0  # relative to the other guards', in the evidence of harm
    muted: bool = False
    edges: tuple[float, ...] = ()
    most: float | None = None  # of a limit: the part of the requests that may fail, or be slower than the edge

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise InvalidInput("name", self.name, "a small letter, then up to 39 small letters, digits, - or _")
        if self.kind not in get_args(GuardKind):
            raise InvalidInput("kind", self.kind, ", ".join(get_args(GuardKind)))
        between("r0", self.r0, 0.1, 100)
        between("r1", self.r1, self.r0, 1000, above=True)
        between("tolerated_rate", self.tolerated_rate, 0, 0.5)
        between("weight", self.weight, 0, 1000, above=True)
        if not isinstance(self.muted, bool):
            raise InvalidInput("muted", self.muted, "true or false")
        check_edges("edges", self.edges)
        self._check_kind()

    def _check_kind(self) -> None:
        if self.kind == "latency" and not self.edges:
            raise InvalidInput("edges", list(self.edges), "one edge or more for a latency guard")
        if self.kind in ("errors", "faults") and self.edges:
            raise InvalidInput("edges", list(self.edges), f"none for a guard of {self.kind}")
        if self.kind != "limit":
            if self.most is not None:
                raise InvalidInput("most", self.most, "a guard of the kind limit for it")
            return
        if len(self.edges) > 1:
            raise InvalidInput("edges", list(self.edges), "one edge at most for a limit; none: of the errors")
        between("most", self.most, 0, 0.5, above=True)

    @property
    def proves(self) -> bool:
        """Promotion waits for its proof that the canary is safe."""
        return not self.muted and self.kind in ("errors", "latency")

    @property
    def rate(self) -> float:
        """τ of its evidence of harm: a rate up to here is within what it allows."""
        return self.tolerated_rate if self.most is None else self.most

    @property
    def series(self) -> int:
        """How many series it weighs: one, or one an edge."""
        return max(1, len(self.edges))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `most` only where there is one."""
        plain = asdict(self) | {"edges": list(self.edges)}
        return {name: value for name, value in plain.items() if name != "most" or value is not None}

    @classmethod
    def from_dict(cls, given: object, field: str = "guard") -> Self:
        """A guard from plain data; all but name and kind have defaults. Raises InvalidInput with the guard's place."""
        try:
            values = dict(mapping("guard", given, [each.name for each in fields(cls)]))
            for needed in ("name", "kind"):
                if needed not in values:
                    raise InvalidInput(needed, None, f"a value: every guard has a {needed}")
            edges = values.get("edges", ())
            if not isinstance(edges, list | tuple):
                raise InvalidInput("edges", edges, "a list")
            return cls(**values | {"edges": tuple(edges)})
        except InvalidInput as refusal:
            place = field if refusal.field == "guard" else f"{field}.{refusal.field}"
            raise InvalidInput(place, refusal.value, refusal.allowed) from refusal


def check_edges(field: str, edges: object) -> None:
    if not isinstance(edges, tuple):
        raise InvalidInput(field, edges, EDGES)
    values = [number(field, each, EDGES) for each in edges]
    if any(after <= before for before, after in zip([0.0, *values], values, strict=False)):
        raise InvalidInput(field, edges, EDGES)


def check_guards(guards: object, most_series: int) -> None:
    """Guards of different names, of no more series than the state has room for."""
    if not isinstance(guards, tuple) or not all(isinstance(each, Guard) for each in guards):
        raise InvalidInput("guards", guards, "a list of guards")
    names = [each.name for each in guards]
    for n, name in enumerate(names):
        if name in names[:n]:
            raise InvalidInput(f"guards[{n}].name", name, "a name that no other guard has")
    series = sum(each.series for each in guards)
    if series > most_series:
        raise InvalidInput("guards", f"{series} series", f"{most_series} series at most, counting every edge as one")
    if guards and not any(each.proves for each in guards):
        allowed = "one guard or more of the errors or the latency that is not muted: promotion waits for its proof"
        raise InvalidInput("guards", names, allowed)
