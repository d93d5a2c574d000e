"""The shared observer in memory: both of its sides."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from canario.canary.observer import GRACE, Left
from canario.canary.ports import NodeCounts, Wanted
from canario.canary.subscription import Subscription, question


@dataclass
class FakeObserver:
    """`asked`: subscriptions by rollout. `given`: what was left, by rollout and start. `deaf`: it cannot be reached."""

    worth: int = 0  # rollouts from which on it is called; 0: never
    until: datetime | None = None
    asked: dict[str, Subscription] = field(default_factory=dict)
    given: dict[tuple[str, datetime], Left] = field(default_factory=dict)
    deaf: bool = False

    def call(self, running: int, now: datetime) -> None:
        if 0 < self.worth <= running and not self.deaf:
            self.until = now + 2 * GRACE

    def on_duty(self, now: datetime) -> bool:
        return not self.deaf and self.until is not None and self.until > now

    def subscribe(self, subscription: Subscription) -> bool:
        if not self.deaf:
            self.asked[subscription.rollout] = subscription
        return not self.deaf

    def unsubscribe(self, rollout: str) -> None:
        if not self.deaf:
            self.asked.pop(rollout, None)

    def left(self, rollout: str, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]] | None:
        found = None if self.deaf else self.given.get((rollout, wanted[0].start))
        return found.answers if found and question(found.wanted) == question(wanted) else None

    def take_duty(self, until: datetime) -> None:
        self.until = until

    def subscriptions(self, now: datetime) -> Sequence[Subscription]:
        return [each for each in self.asked.values() if each.until > now]

    def leave(self, found: Sequence[Left], now: datetime) -> Sequence[str]:
        for each in found:
            self.given.setdefault((each.rollout, each.wanted[0].start), each)
        return []
