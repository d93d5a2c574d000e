"""The shared observer: while very many rollouts run, one function reads for all of them (decision 0140).

It reads what they have subscribed to in the fewest calls and leaves each its counts in the table. Nothing rests on it:
a rollout takes what was left only where that answers the very question it would have asked itself, and asks it itself
where nothing was left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from canario.canary.observation import Counts
from canario.canary.ports import Controller, Measure, Metrics, NodeCounts, Steered, Wanted
from canario.canary.subscription import Subscription
from canario.errors import InvalidInput

GRACE = timedelta(seconds=60)  # after which an observer that was to look is not believed to be there
SOON = timedelta(seconds=10)  # how long one waits that serves nobody yet, or windows below a minute
LATE = timedelta(seconds=30)  # how old a window may be that a first look still reads
LEAST = timedelta(seconds=1)
MINUTE = 60


@dataclass(frozen=True)
class Left:
    """What the observer read for a rollout: the answers to `wanted`, in its order."""

    rollout: str
    wanted: tuple[Wanted, ...]
    answers: tuple[Sequence[NodeCounts], ...]


class Observer(Protocol):
    """As a rollout sees it. It never raises: whoever finds nothing reads for himself."""

    def call(self, running: int, now: datetime) -> None:
        """Have it on duty for some minutes, if so many rollouts are worth it; harmless when it is."""

    def on_duty(self, now: datetime) -> bool: ...

    def subscribe(self, subscription: Subscription) -> bool:
        """Have it read these windows, in place of those that the rollout asked for before; False: it did not hear."""

    def unsubscribe(self, rollout: str) -> None: ...

    def left(self, rollout: str, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]] | None:
        """`Metrics.read_many` of these, as the observer read it; None when it did not leave just that."""


class Desk(Protocol):
    """The observer's own side. All of it raises RemoteError."""

    def take_duty(self, until: datetime) -> None:
        """Let rollouts know that it reads."""

    def subscriptions(self, now: datetime) -> Sequence[Subscription]:
        """Every rollout's, but of those that have ended without a word."""

    def leave(self, found: Sequence[Left], now: datetime) -> Sequence[str]:
        """Leave each for its rollout; what is there already stays as it is. In words what could not be left."""


@dataclass(frozen=True)
class Look:
    """One tick: how many subscribed, were read for, got theirs; what it took; when the next one is due."""

    subscribed: int
    due: int
    left: int
    calls: int
    series: int
    problems: tuple[str, ...]
    wait: datetime

    def measures(self) -> list[Measure]:
        """Of the controller itself, by tick. Nothing of a tick at which nothing was due."""
        numbers = {
            "Calls": self.calls,
            "Series": self.series,
            "Observed": self.left,
            "Unobserved": self.due - self.left,
        }
        return [Measure(name, value, "Count", {"By": "observer"}) for name, value in numbers.items() if self.due]


def look(desk: Desk, metrics: Metrics, controller: Controller, after: datetime | None, now: datetime) -> Look:
    """Read every window that can be read since the look `after`, each rollout's newest. Raises RemoteError."""
    subscriptions = desk.subscriptions(now)
    wait = next_look(subscriptions, now)
    desk.take_duty(wait + GRACE)
    asked = [(each.rollout, due) for each in subscriptions if (due := each.due(after or now - LATE, now))]
    readings = metrics.read_together([one for _, due in asked for one in due])
    pairs = zip(readings.answers[::2], readings.answers[1::2], strict=True)
    found = [
        Left(rollout, due, (canary, baseline))
        for (rollout, due), (canary, baseline) in zip(asked, pairs, strict=True)
        if canary is not None and baseline is not None and _sound(canary) and _sound(baseline)
    ]
    unleft = desk.leave(found, now)
    problems = (*readings.problems, *unleft)
    left = len(found) - len(unleft)
    seen = Look(len(subscriptions), len(asked), left, readings.calls, readings.series, problems, wait)
    controller.put(seen.measures(), now)
    return seen


def _sound(counts: Sequence[NodeCounts]) -> bool:
    """Not so where two calls have read a node's series and one was a moment early: more errors than requests, say."""
    try:
        for each in counts:
            Counts(each.requests, each.errors, each.slower)
    except InvalidInput:
        return False
    return True


def next_look(subscriptions: Sequence[Subscription], now: datetime) -> datetime:
    """When the next window can be read; sooner where a subscription may come that has windows before that."""
    short = not subscriptions or any(each.window_seconds < MINUTE for each in subscriptions)
    minute = now.replace(second=0, microsecond=0) + timedelta(seconds=MINUTE)
    soonest = min((each.next_due(now) for each in subscriptions), default=now + SOON)
    return max(now + LEAST, min(soonest, now + SOON if short else minute))


def call_observer(steered: Sequence[Steered], observer: Observer, now: datetime) -> None:
    """By whoever has just read which routers are steered."""
    observer.call(sum(each.outcome is None for each in steered), now)
