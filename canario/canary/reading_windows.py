"""What both nodes did, window by window, as the metrics, X-Ray and the cluster tell it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from canario.canary import Counts, Observation, Plan, Tally
from canario.canary.carried import Carried
from canario.canary.pods import MOST_PODS
from canario.canary.ports import NodeCounts, Wanted
from canario.canary.world import World
from canario.errors import RemoteError

FEWEST_PODS = 2  # one alone has nothing to be compared with
PATIENCE_WINDOWS, PATIENCE_SECONDS = 2, 30  # the longer of the two: how late data may come beyond one window


def read_windows(carried: Carried, world: World, end: datetime, count: int) -> tuple[Observation, ...]:
    """`count` windows from `carried.since`, which end at `end`. One reading for both nodes. Raises RemoteError."""
    plan, target = carried.rollout.plan, carried.target
    wanted = [
        Wanted(target, node, carried.since, end, plan.window_seconds, plan.edges, _pods(carried, node, world))
        for node in (target.canary, target.baseline)
    ]
    read = world.metrics.read_many(wanted)
    canary, baseline = (
        _by_start(counts, _sampled(each, plan, world)) for each, counts in zip(wanted, read, strict=True)
    )
    window = timedelta(seconds=plan.window_seconds)
    starts = [carried.since + number * window for number in range(count)]
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
