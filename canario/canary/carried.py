"""What the canary machine carries from step to step, as a value and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from canario.canary import Observation, Rollout
from canario.canary.gates import Gates
from canario.canary.ports import Target
from canario.canary.subscription import Subscription


@dataclass(frozen=True)
class Carried:
    """What goes from step to step; JSON in the state machine, well below its 256 KiB."""

    name: str  # of the rollout
    target: Target
    rollout: Rollout
    weights: Mapping[str, int]  # as last written: anything else at the router is drift
    written: float  # the share that these weights are
    asked: float  # the share that was asked for; a dialect may not be able to write it exactly
    since: datetime  # windows count from here on
    wait: datetime  # when the next window can be read
    gates: Gates = field(default_factory=Gates)
    image: Mapping[str, str] | None = None  # what Deploy gives the canary: deployment, container, reference
    sequence: int = 0  # of the last record
    looks: int = 0  # of this execution; its history is finite
    looked: datetime | None = None  # when Observe last did: what people have said counts as of then
    part: int = 1  # of the rollout's executions, the first one is 1
    continue_as: str | None = None  # the name of the fresh execution that goes on from here
    observations: tuple[Observation, ...] = ()
    read_by: str | None = None  # the observations: "observer", or "rollout" itself
    subscription: Subscription | None = None  # to the shared observer
    replaced: tuple[str, ...] = ()  # pods that were deleted because they were suspected
    waiting: Mapping[str, Any] | None = None  # for a person: since when, and at which gate
    decision: Mapping[str, Any] | None = None
    outcome: str | None = None
    drift: Mapping[str, str] | None = None  # why the machine rolls back, when it is not a decision of the core
    stopped: Mapping[str, str] | None = None
    failure: Mapping[str, str] | None = None
    error: str | None = None
    cause: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON; fields that are None are left out, so that the machine can ask whether they exist."""
        fields = {
            "name": self.name,
            "target": dict(vars(self.target)),
            "rollout": self.rollout.to_dict(),
            "weights": dict(self.weights),
            "written": self.written,
            "asked": self.asked,
            "since": text(self.since),
            "wait": text(self.wait),
            "gates": asdict(self.gates) | {"shares": list(self.gates.shares)},
            "image": self.image,
            "sequence": self.sequence,
            "looks": self.looks,
            "looked": self.looked and self.looked.isoformat(),
            "part": self.part,
            "continue_as": self.continue_as,
            "replaced": list(self.replaced) or None,
            "waiting": self.waiting,
            "read_by": self.read_by,
            "subscription": self.subscription and self.subscription.to_dict(),
            "observations": [each.to_dict() for each in self.observations],
            "decision": self.decision,
            "outcome": self.outcome,
            "drift": self.drift,
            "stopped": self.stopped,
            "failure": self.failure,
            "error": self.error,
            "cause": self.cause,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> "Carried":
        fields = dict(given)
        fields["target"] = Target(**given["target"])
        fields["rollout"] = Rollout.from_dict(given["rollout"])
        fields["since"] = datetime.fromisoformat(given["since"])
        fields["wait"] = datetime.fromisoformat(given["wait"])
        fields["gates"] = Gates.parse(given["gates"]["shares"], given["gates"]["seconds"])
        fields["replaced"] = tuple(given.get("replaced", ()))
        fields["looked"] = datetime.fromisoformat(given["looked"]) if "looked" in given else None
        fields["subscription"] = Subscription.from_dict(given["subscription"]) if "subscription" in given else None
        fields["observations"] = tuple(Observation.from_dict(each) for each in given["observations"])
        return Carried(**fields)


@dataclass(frozen=True)
class Ended:
    """How a rollout ended: the canary machine's output."""

    rollout: str
    outcome: str
    reason: str
    share: float
    decisions: int
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "rollout": self.rollout,
            "outcome": self.outcome,
            "reason": self.reason,
            "share": self.share,
            "decisions": self.decisions,
            **self.extra,
        }


def text(moment: datetime) -> str:
    """ISO 8601 in UTC with a Z, as a Wait state's timestamp wants it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
