"""The canary machine's steps: the pure core's decisions carried out over the ports.

Each step takes what the step before it carried and gives what the next one needs; the state machine stores it in
between. A step may be run twice with the same input (a worker was killed after it had done its work): locks and
records are conditional, windows and decisions follow from the input alone, and a share that is written already is
recognised. There is no clock here: `now` is an argument. How a rollout ends is in `ending.py`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from canario.canary import Observation, Plan, start, subscribing
from canario.canary.alarmed import refuse_alarmed
from canario.canary.carried import Carried, text
from canario.canary.gates import Gates
from canario.canary.instructions import standing
from canario.canary.looks import aligned, another_look, readable
from canario.canary.observer import call_observer
from canario.canary.ports import RouterState, Steered, Target
from canario.canary.reading_windows import arrived, read_windows
from canario.canary.refusing import refuse_drift, refuse_lost_lock, refuse_stopped
from canario.canary.replacing import replace_suspect
from canario.canary.weighing import weigh
from canario.canary.world import World
from canario.errors import Conflict, Drift, NotReady, RemoteError

MANAGER = "canario"  # the field manager that rollouts write with
SHARE_TOLERANCE = 1e-6
WRITE_ATTEMPTS = 5
COARSEST_STEP = 0.01  # App Mesh's weights are 0 to 100
MOST_WINDOWS_AT_ONCE = 20  # keeps what is carried small after a pause


def begin(
    name: str,
    target: Target,
    plan: Plan,
    owner: str,
    world: World,
    now: datetime,
    *,
    gates: Gates | None = None,
    alarms: Sequence[str] = (),
    image: Mapping[str, str] | None = None,
    by: str = "",
) -> Carried:
    """Lock the router and start from share 0.

    `owner`: the execution that runs the rollout. Raises AlreadyRunning, Drift when the canary has traffic that no
    rollout gave it, Stopped while one of its alarms is in ALARM, RemoteError; in each case the lock is not held
    afterwards and nothing was changed.
    """
    gates = gates or Gates()
    world.records.lock(target, name, owner, now)
    try:
        state = world.routers.read(target)
        if state.share > SHARE_TOLERANCE:
            raise Drift(
                f"router {target.key} gives {target.canary} a share of {state.share:.3g} already, written by "
                f"{state.manager}; set it to 0, then start again",
                state.manager,
            )
        world.records.steer(Steered(target, name, owner, now, tuple(alarms)))
        _refuse_alarms(name, target, alarms, world)
    except Exception:
        world.records.unlock(target, name)
        raise
    with suppress(RemoteError):  # nothing rests on it
        call_observer(world.records.steered(), world.observer, now)
    asked = {"gates": list(gates.shares), "alarms": list(alarms), "image": image, "by": by}
    detail = {**subject(name, target), "plan": plan.to_dict(), "owner": owner, **asked}
    world.records.put(name, 0, "started", {**detail, "target": dict(vars(target))}, now)
    world.events.put("RolloutStarted", detail)
    carried = Carried(name, target, start(plan), dict(state.weights), state.share, 0.0, now, now)
    return replace(carried, gates=gates, image=image)


def deploy(carried: Carried, world: World) -> Carried:
    """Give the canary the image that was asked for; it has no share yet. Raises NotReady until it runs."""
    image, namespace = carried.image or {}, carried.target.namespace
    world.workloads.set_image(namespace, image["deployment"], image["container"], image["reference"])
    trouble = world.workloads.trouble(namespace, image["deployment"])
    if trouble:
        raise NotReady(f"the canary does not run {image['reference']} yet: {trouble}")
    return carried


def wait_for_person(carried: Carried, token: str, world: World) -> None:
    """Keep the task's token for whoever approves, resumes or stops; wake at once when somebody has already."""
    world.tokens.keep(carried.name, token)
    if len(world.records.instructions(carried.name)) != (carried.waiting or {}).get("told"):
        world.tokens.wake(carried.name)


def verify(carried: Carried, world: World, now: datetime) -> Carried:
    """Prove that every proxy does what was written; windows count from now on.

    Raises NotReady; Stopped, Drift when that is why: nobody waits for a share that somebody else has overwritten.
    """
    missing = _not_in_force(carried, world)
    if missing:
        refuse_stopped(carried, world)
        refuse_lost_lock(carried, world)
        refuse_drift(carried, world.routers.read(carried.target))
        raise NotReady(missing)
    since = aligned(now, carried.rollout.plan)
    carried = subscribing.verified(replace(carried, since=since), world, since, now)
    return replace(carried, wait=readable(since, carried))


def observe(carried: Carried, world: World, now: datetime) -> Carried:
    """Read the whole windows that ended at least one window ago and were not read yet. Raises Stopped, Drift.

    Data that may only be late are looked for again a window later (`arrived`).
    """
    told = refuse_stopped(carried, world)
    refuse_lost_lock(carried, world)
    refuse_drift(carried, world.routers.read(carried.target))
    carried = replace(another_look(carried), looked=now)
    if carried.waiting:  # the next wait is for what is said after this look
        carried = replace(carried, waiting={**carried.waiting, "told": told})
    plan = carried.rollout.plan
    window = timedelta(seconds=plan.window_seconds)
    count = min((now - window - carried.since) // window, MOST_WINDOWS_AT_ONCE)
    if count <= 0:
        return replace(carried, observations=(), wait=readable(carried.since, carried))
    end, read = carried.since + count * window, read_windows(carried, world, count)
    observations = arrived(read.observations, plan, now)
    since = observations[-1].end if observations else carried.since
    carried = replace(carried, observations=observations, read_by=read.by, since=since)
    carried = subscribing.looked(carried, world, read.pods, now)
    return replace(carried, wait=readable(since, carried) if since == end else now + window)


def decide(carried: Carried, world: World, now: datetime) -> Carried:
    """Let the core weigh the observations; record every decision and say it on the bus.

    What people have said counts as of the look: a second run of this step decides the same.
    """
    looked = carried.looked or now
    instructions = [each for each in world.records.instructions(carried.name) if each.at <= looked]
    weighed = weigh(carried, standing(instructions), looked)
    sequence, replaced = carried.sequence, carried.replaced
    for observation, decision in weighed.decisions:
        sequence += 1
        said = decision.to_dict()
        gone = replace_suspect(carried, decision, replaced, world)
        read_by = {"read_by": carried.read_by} if carried.read_by else {}
        body = {"decision": said.pop("kind"), **said, **_window(observation), **read_by, **gone}
        record_decision(carried, sequence, body, world, now)
        if "replaced" in gone:
            replaced = (*replaced, gone["replaced"])
            detail = {"pod": gone["replaced"], "node": carried.target.canary, "reason": decision.reason}
            world.events.put("PodReplaced", {**subject(carried.name, carried.target), **detail})
    waiting = weighed.waiting and {**weighed.waiting, "told": len(instructions)}
    if waiting and not carried.waiting:
        world.events.put("RolloutWaiting", {**subject(carried.name, carried.target), **waiting})
    last = weighed.decisions[-1][1]
    summary = {"kind": str(last.kind), "share": last.share, "reason": last.reason}
    outcome = str(weighed.rollout.outcome) if weighed.rollout.outcome else None
    world.controller.put(weighed.measures(carried, now), now)
    after = replace(
        carried,
        rollout=weighed.rollout,
        sequence=sequence,
        replaced=replaced,
        decision=summary,
        outcome=outcome,
    )
    return replace(after, waiting=None if outcome else waiting, observations=())


def shift(carried: Carried, world: World) -> Carried:
    """Write the decided share by compare-and-set. Raises Drift when somebody else changed the router, Stopped.

    Who stops a rollout first says so on record, then takes the share away. A stop that is not on record after this
    write will find the share that was written; one that is on record may have been too early for it.
    """
    refuse_lost_lock(carried, world)
    share = float((carried.decision or {})["share"])
    state = _written(carried, share, world)
    refuse_stopped(carried, world)
    return replace(carried, weights=dict(state.weights), written=state.share, asked=share)


def _written(carried: Carried, share: float, world: World) -> RouterState:
    """The router with the share. A change that left the weights alone (a label, a status) is nobody's drift: again."""
    for _ in range(WRITE_ATTEMPTS):
        state = world.routers.read(carried.target)
        if _is_written(state, share, carried):
            return state
        refuse_drift(carried, state)
        try:
            return world.routers.write(carried.target, share, state.version)
        except Conflict as conflict:
            last = conflict
    raise NotReady(f"router {carried.target.key} changed whenever its share was written: {last}") from last


def _refuse_alarms(name: str, target: Target, alarms: Sequence[str], world: World) -> None:
    """Asked when the router is steered already: an alarm that goes off from then on finds the rollout by itself."""
    try:
        refuse_alarmed(target, alarms, world)
    except Exception:
        world.records.settle(target, name, "rolled_back")
        raise


def subject(name: str, target: Target) -> dict[str, str]:
    """What every event of a rollout begins with."""
    return {"workshop": target.workshop, "rollout": name, "router": target.key}


def record_decision(carried: Carried, sequence: int, body: Mapping[str, Any], world: World, now: datetime) -> None:
    world.records.put(carried.name, sequence, "decision", body, now)
    world.events.put("RolloutDecided", {**subject(carried.name, carried.target), "sequence": sequence, **body})


def _not_in_force(carried: Carried, world: World) -> str | None:
    """Which proxy does not do what was written."""
    proxies = world.data_plane.shares(carried.target)
    if not proxies:
        return f"no proxy calls {carried.target.service}: nothing shows that the share is in force"
    for proxy in proxies:
        if proxy.share is None or abs(proxy.share - carried.written) > SHARE_TOLERANCE:
            return f"proxy {proxy.proxy} has not taken the share {carried.written:.4g} yet: {proxy.message}"
    return None


def _is_written(state: RouterState, share: float, carried: Carried) -> bool:
    """Whether this very step has written the share before, and was cut off after that."""
    return (
        state.manager == MANAGER
        and dict(state.weights) != dict(carried.weights)
        and abs(state.share - share) <= COARSEST_STEP
        and (state.share > 0) == (share > 0)
    )


def _window(observation: Observation) -> dict[str, Any]:
    """The numbers behind a decision, for people: the canary's as `requests` and `errors`. None: no data."""
    canary, baseline = observation.canary, observation.baseline
    return {
        "start": text(observation.start),
        "end": text(observation.end),
        "in_force": observation.share,
        "requests": canary.requests if canary else None,
        "errors": canary.errors if canary else None,
        "baseline_requests": baseline.requests if baseline else None,
        "baseline_errors": baseline.errors if baseline else None,
    }
