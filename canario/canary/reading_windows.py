"""What both nodes did, window by window, as the metrics, X-Ray and the cluster tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from canario.canary import Counts, Observation, Plan, Tally
from canario.canary.carried import Carried
from canario.canary.pods import MOST_PODS
from canario.canary.ports import NodeCounts, Wanted
from canario.canary.subscribing import question_of
from canario.canary.world import World
from canario.errors import RemoteError

FEWEST_PODS = 2  # one alone has nothing to be compared with
PATIENCE_WINDOWS, PATIENCE_SECONDS = 2, 30  # the longer of the two: how late data may come beyond one window


@dataclass(frozen=True)
class WindowsRead:
    """`by`: "observer", or "rollout" for one that read for itself. `pods`: those that were asked for, by node."""

    observations: tuple[Observation, ...]
    by: str
    pods: Mapping[str, tuple[str, ...]]


def read_windows(carried: Carried, world: World, count: int) -> WindowsRead:
    """`count` windows from `carried.since`. Raises RemoteError.

    What the shared observer left is taken where it answers the same question and lacks nothing that the plan decides
    by; everything else is read here, in one reading for both nodes.
    """
    target = carried.target
    pods = {node: names for node in (target.canary, target.baseline) if (names := _pods(carried, node, world))}
    wanted = question_of(carried, pods, count)
    left = world.observer.left(carried.name, wanted) if carried.subscription else None
    if left is not None:
        found = _observations(carried, world, wanted, left)
        if not any(each.absent_series(carried.rollout.plan) for each in found):
            return WindowsRead(found, "observer", pods)
    return WindowsRead(_observations(carried, world, wanted, world.metrics.read_many(wanted)), "rollout", pods)


def _observations(
    carried: Carried, world: World, wanted: Sequence[Wanted], read: Sequence[Sequence[NodeCounts]]
) -> tuple[Observation, ...]:
    plan = carried.rollout.plan
    canary, baseline = (
        _by_start(counts, _sampled(each, plan, world)) for each, counts in zip(wanted, read, strict=True)
    )
    window, first = timedelta(seconds=plan.window_seconds), wanted[0]
    starts = [first.start + number * window for number in range((first.end - first.start) // window)]
    return tuple(
        Observation(each, each + window, carried.written, canary.get(each), baseline.get(each)) for each in starts
    )


def arrived(observations: Sequence[Observation], plan: Plan, now: datetime) -> tuple[Observation, ...]:
    """The windows up to the first one whose data may only be late; it is read again. What is never there is absent."""
    window = timedelta(seconds=plan.window_seconds)
    patience = max(PATIENCE_WINDOWS * window, timedelta(seconds=PATIENCE_SECONDS))
    late = (each.absent and now - each.end < window + patience for each in observations)
    first = next((number for number, is_late in enumerate(late) if is_late), len(observations))
    return tuple(observations[:first])


def _by_start(counts: Sequence[NodeCounts], sampled: Mapping[datetime, Tally]) -> dict[datetime, Counts]:
    return {
        each.start: Counts(each.requests, each.errors, each.slower, sampled.get(each.start), pods=each.pods)
        for each in counts
    }


def _sampled(wanted: Wanted, plan: Plan, world: World) -> Mapping[datetime, Tally]:
    """What X-Ray sampled, where the plan has it vote; its lack holds nothing, and neither does its failure."""
    if not any(guard.kind == "faults" for guard in plan.guards):
        return {}
    try:
        return world.faults.read(wanted)
    except RemoteError:
        return {}


def _pods(carried: Carried, node: str, world: World) -> tuple[str, ...]:
    """The node's pods as far as they are weighed, and those that were suspected: what they did is left out.

    Nothing waits for pods: where they cannot be listed, or there are too few, the node is read as a whole.
    """
    gone = carried.rollout.suspects if node == carried.target.canary else ()
    try:
        there = world.pods.of(carried.target, node)
    except RemoteError:
        there = ()
    if len(there) < FEWEST_PODS and not gone:
        return ()
    return tuple(dict.fromkeys([*gone, *there]))[:MOST_PODS]
