"""Why a step of a rollout does not do its work: somebody ended the rollout, or has the router."""

from canario.canary.carried import Carried
from canario.canary.instructions import standing
from canario.canary.ports import RouterState
from canario.canary.world import World
from canario.errors import Drift, Stopped


def refuse_stopped(carried: Carried, world: World) -> int:
    """How many instructions there are. Raises Stopped when one of them ends the rollout."""
    instructions = world.records.instructions(carried.name)
    stop = standing(instructions).stop
    if stop:
        raise Stopped(stop.words)
    return len(instructions)


def refuse_drift(carried: Carried, state: RouterState) -> None:
    if dict(state.weights) != dict(carried.weights):
        raise Drift(
            f"router {carried.target.key} has the weights {dict(state.weights)}, the rollout wrote "
            f"{dict(carried.weights)}; {state.manager} changed it",
            state.manager,
        )


def _held_by(carried: Carried, world: World) -> str | None:
    lock = world.records.holder(carried.target)
    return lock.rollout if lock else None


def refuse_lost_lock(carried: Carried, world: World) -> None:
    """Whoever ends a rollout from outside (its workshop is being cleaned, say) takes its lock away."""
    holder = _held_by(carried, world)
    if holder != carried.name:
        raise Drift(
            f"router {carried.target.key} is no longer this rollout's, it was ended from outside; "
            f"now it is held by {holder or 'nobody'}",
            holder or "nobody",
        )
