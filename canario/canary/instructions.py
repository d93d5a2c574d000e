"""What people and alarms tell a rollout while it runs: approve, pause, resume, abort, and an alarm's stop.

Instructions are records, each kept for ever; what holds now follows from all of them in order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self, get_args

from canario.errors import InvalidInput

Kind = Literal["approve", "pause", "resume", "abort", "alarm"]
KINDS = get_args(Kind)


@dataclass(frozen=True)
class Instruction:
    """`by`: who gave it, a person's ARN or an alarm's name. `share`: of the gate that `approve` opens."""

    kind: Kind
    by: str
    at: datetime
    reason: str = ""
    share: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput("kind", self.kind, ", ".join(KINDS))
        if self.kind == "approve" and self.share is None:
            raise InvalidInput("share", None, "the share of the gate that is approved")

    @property
    def words(self) -> str:
        """ "the alarm checkout-5xx went off at …: why", "aborted by … at …"."""
        did = {"alarm": f"the alarm {self.by} went off", "abort": f"aborted by {self.by}"}
        said = did.get(self.kind, f"{self.kind} by {self.by}")
        why = f": {self.reason}" if self.reason else ""
        return f"{said} at {self.at:%Y-%m-%d %H:%M:%S} UTC{why}"

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self)) | {"at": self.at.isoformat()}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        return cls(**{**given, "at": datetime.fromisoformat(given["at"])})


@dataclass(frozen=True)
class Standing:
    """What holds now. `approved`: every gate up to this share is open; None: none has been opened."""

    stop: Instruction | None = None
    paused: Instruction | None = None
    approved: float | None = None


def standing(instructions: Iterable[Instruction]) -> Standing:
    """The first stop counts and is never taken back; of pause and resume the last one does."""
    stop: Instruction | None = None
    paused: Instruction | None = None
    approved: float | None = None
    for each in sorted(instructions, key=lambda instruction: instruction.at):
        if each.kind in ("abort", "alarm"):
            stop = stop or each
        elif each.kind == "approve" and each.share is not None:
            approved = max(each.share, approved or 0.0)
        else:
            paused = each if each.kind == "pause" else None
    return Standing(stop, paused, approved)
