"""What keeps a share down beside the evidence: a gate that waits for a person, or a pause.

The evidence is weighed as ever; a rise that the evidence allows is cut to what people allow. A rollback never waits.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from canario.canary.fields import number, whole
from canario.canary.instructions import Standing
from canario.canary.rollout import Decision
from canario.canary.state import Rollout
from canario.canary.words import percent, sentence
from canario.errors import InvalidInput

LONGEST_SECONDS = 30 * 86_400
DAY = 86_400


@dataclass(frozen=True)
class Gates:
    """Shares above which the canary gets no traffic before a person has approved; `seconds`: how long each waits."""

    shares: tuple[float, ...] = ()
    seconds: int = DAY

    def __post_init__(self) -> None:
        allowed = "shares from 0 to below 1, each larger than the one before"
        before = -1.0
        for share in self.shares:
            if not before < number("gates", share, allowed) < 1 or share < 0:
                raise InvalidInput("gates", list(self.shares), allowed)
            before = share
        whole("gate_seconds", self.seconds, f"whole seconds, 1 to {LONGEST_SECONDS}", 1, LONGEST_SECONDS)

    @staticmethod
    def parse(gates: Any, seconds: Any = DAY) -> "Gates":
        """From plain data. Raises InvalidInput."""
        if not isinstance(gates, list | tuple):
            raise InvalidInput("gates", gates, "a list of shares such as [0.1, 0.5]")
        whole("gate_seconds", seconds, f"whole seconds, 1 to {LONGEST_SECONDS}", 1, LONGEST_SECONDS)
        return Gates(tuple(gates), int(seconds))

    def next(self, approved: float | None) -> float | None:
        """The lowest gate that nobody has opened."""
        return next((share for share in self.shares if approved is None or share > approved), None)


@dataclass(frozen=True)
class Limit:
    """The share may not rise above `share`, and why. `expired`: nobody has come in time."""

    share: float
    why: str
    gate: float | None = None
    expired: bool = False


def limit(
    gates: Gates, now: Standing, share: float, waiting: datetime | None, at: datetime, rollout: str
) -> Limit | None:
    """What people allow, at the canary's `share` and since `waiting`; None: whatever the evidence does."""
    if now.paused:
        return Limit(share, f"paused by {now.paused.by} since {now.paused.at:%Y-%m-%d %H:%M:%S} UTC")
    gate = gates.next(now.approved)
    if gate is None:
        return None
    expired = waiting is not None and at - waiting >= timedelta(seconds=gates.seconds)
    if expired:
        return Limit(max(gate, share), f"nobody approved the gate at {percent(gate)} in time", gate, expired)
    return Limit(gate, f"the gate at {percent(gate)} waits for canario canary approve {rollout}", gate)


def restrain(
    before: Rollout, after: Rollout, decision: Decision, limits: Limit | None
) -> tuple[Rollout, Decision, bool]:
    """`after` and its decision with the rise cut; True when a person is being waited for.

    The windows that pass meanwhile count towards the deadline as any others; at the deadline, or when the gate's own
    time is over, the rollout is held: the baseline keeps all traffic.
    """
    if limits is None or decision.kind not in ("advance", "promote") or decision.share <= limits.share:
        return after, decision, False
    if limits.expired or after.due:
        why = limits.why if limits.expired else f"the deadline is reached while {limits.why}"
        held = replace(after, share=0.0, outcome="held")
        return held, _said(decision, "hold", 0.0, f"{why}; the baseline keeps all traffic"), False
    room = 0.0 if before.plan.steps else limits.share  # a step of a clock schedule is begun whole or not at all
    if room > before.share:
        return replace(after, share=room, outcome=None), _said(decision, "advance", room, limits.why), True
    kept = replace(after, share=before.share, outcome=None, step=before.step, dwell=before.dwell + 1)
    return kept, _said(decision, "hold", before.share, limits.why), True


def _said(decision: Decision, kind: Any, share: float, why: str) -> Decision:
    wanted = f"{decision.kind} to {percent(decision.share)}"
    reason = f"{sentence(why)} The evidence alone would {wanted}: {decision.reason}"
    return replace(decision, kind=kind, share=share, reason=reason)
