"""Shares that nobody looks after: a canary's traffic without an execution behind it is taken away."""

from dataclasses import dataclass
from datetime import datetime

from canario.canary.ending import abandon, withdraw
from canario.canary.observer import call_observer
from canario.canary.ports import Executions, Steered
from canario.canary.steps import SHARE_TOLERANCE, subject
from canario.canary.world import World
from canario.errors import CanarioError, NotThere


@dataclass(frozen=True)
class Found:
    """`orphans`: rollouts whose execution is gone, and routers with a share that no rollout gave; all at 0 now."""

    looked_at: int
    orphans: tuple[str, ...]
    problems: tuple[str, ...]


def sweep(world: World, executions: Executions, now: datetime) -> Found:
    """Look at every router that a rollout ever steered. One that cannot be read keeps the others from nothing."""
    orphans, problems = [], []
    steered = world.records.steered()
    call_observer(steered, world.observer, now)
    for each in steered:
        try:
            if _take_care(each, world, executions, now):
                orphans.append(each.target.key)
        except CanarioError as error:
            problems.append(f"{each.target.key}: {error}")
    return Found(len(steered), tuple(orphans), tuple(problems))


def _take_care(steered: Steered, world: World, executions: Executions, now: datetime) -> bool:
    if steered.outcome == "promoted":  # the canary's traffic is its own
        return False
    if steered.outcome is None:
        return not executions.is_running(steered.owner) and _abandon(steered, world, now)
    share = _share(steered, world)
    if share <= SHARE_TOLERANCE or _is_held(steered, world, executions):
        return False
    withdraw(steered.target, world.routers)
    reason = f"the canary had a share of {share:.3g} after its rollout {steered.rollout} had ended {steered.outcome}"
    entries = world.records.entries(steered.rollout)
    sequence = max((int(entry["sequence"]) for entry in entries), default=0) + 1
    body = {"decision": "rollback", "share": 0.0, "reason": reason, "evidence": {}}
    world.records.put(steered.rollout, sequence, "orphan", body, now)
    _say(steered, share, reason, world)
    return True


def _abandon(steered: Steered, world: World, now: datetime) -> bool:
    """A rollout of a killed execution ends here; one that had ended is only let go."""
    reason = f"its execution {steered.owner.rpartition(':')[2]} runs no more, and nobody looks after its share"
    share = _share(steered, world)
    if not abandon(steered.rollout, reason, steered.target, world, now):
        ended = next((each for each in world.records.entries(steered.rollout) if each["kind"] == "ended"), None)
        world.records.settle(steered.target, steered.rollout, str(ended["outcome"]) if ended else "rolled_back")
        world.records.unlock(steered.target, steered.rollout)
        return False
    _say(steered, share, reason, world)
    return True


def _share(steered: Steered, world: World) -> float:
    """Of a router that is gone none: its workshop was cleaned, say. One without its nodes is left with none."""
    try:
        return world.routers.read(steered.target).share
    except NotThere:
        withdraw(steered.target, world.routers)
        return 0.0


def _is_held(steered: Steered, world: World, executions: Executions) -> bool:
    """Whether a rollout runs by now: read after the share, because a rollout locks before it gives one."""
    holder = world.records.holder(steered.target)
    return holder is not None and executions.is_running(holder.owner)


def _say(steered: Steered, share: float, reason: str, world: World) -> None:
    detail = {**subject(steered.rollout, steered.target), "share": share, "reason": reason}
    world.events.put("ShareOrphaned", detail)
