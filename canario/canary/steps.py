"""The canary machine's steps: the pure core's decisions carried out over the ports.

Each step takes what the step before it carried and gives what the next one needs; the state machine stores it in
between. A step may be run twice with the same input (a worker was killed after it had done its work): locks and
records are conditional, windows and decisions follow from the input alone, and a share that is written already is
recognised. There is no clock here: `now` is an argument.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from canario.canary import Counts, Observation, Plan, decide_all, start
from canario.canary.carried import Carried, Ended, text
from canario.canary.ports import DataPlane, Events, Metrics, NodeCounts, Records, Routers, RouterState, Target
from canario.errors import Conflict, Drift, InvalidInput, NotReady

MANAGER = "canario"  # the field manager that rollouts write with
SHARE_TOLERANCE = 1e-6
COARSEST_STEP = 0.01  # App Mesh's weights are 0 to 100
MOST_WINDOWS_AT_ONCE = 20  # keeps what is carried small after a pause
MOST_WINDOWS = 700  # about 28 events of history a window, of at most 25,000
ROLLBACK_ATTEMPTS = 10


@dataclass(frozen=True)
class World:
    """Everything that a rollout reaches."""

    routers: Routers
    data_plane: DataPlane
    metrics: Metrics
    records: Records
    events: Events


def begin(name: str, target: Target, plan: Plan, owner: str, world: World, now: datetime) -> Carried:
    """Lock the router and start from share 0.

    `owner`: the execution that runs the rollout. Raises AlreadyRunning, Drift when the canary has traffic that no
    rollout gave it, RemoteError; in each case the lock is not held afterwards and nothing was changed.
    """
    if plan.deadline_windows > MOST_WINDOWS:
        raise InvalidInput("deadline_windows", plan.deadline_windows, f"at most {MOST_WINDOWS} windows an execution")
    world.records.lock(target, name, owner, now)
    try:
        state = world.routers.read(target)
        if state.share > SHARE_TOLERANCE:
            raise Drift(
                f"router {target.key} gives {target.canary} a share of {state.share:.3g} already, written by "
                f"{state.manager}; set it to 0, then start again",
                state.manager,
            )
    except Exception:
        world.records.unlock(target, name)
        raise
    rollout = start(plan)
    detail = {**_subject(name, target), "plan": plan.to_dict(), "owner": owner}
    world.records.put(name, 0, "started", detail, now)
    world.events.put("RolloutStarted", detail)
    return Carried(name, target, rollout, dict(state.weights), state.share, 0.0, now, now)


def verify(carried: Carried, world: World, now: datetime) -> Carried:
    """Prove that every proxy does what was written; windows count from now on. Raises NotReady."""
    proxies = world.data_plane.shares(carried.target)
    if not proxies:
        raise NotReady(f"no proxy calls {carried.target.service}: nothing shows that the share is in force")
    for proxy in proxies:
        if proxy.share is None or abs(proxy.share - carried.written) > SHARE_TOLERANCE:
            raise NotReady(f"proxy {proxy.proxy} has not taken the share {carried.written:.4g} yet: {proxy.message}")
    since = _aligned(now, carried.rollout.plan)
    return replace(carried, since=since, wait=_readable(since, carried.rollout.plan))


def observe(carried: Carried, world: World, now: datetime) -> Carried:
    """Read the whole windows that ended at least one window ago and were not read yet. Raises Drift."""
    _refuse_lost_lock(carried, world)
    _refuse_drift(carried, world.routers.read(carried.target))
    plan = carried.rollout.plan
    window = timedelta(seconds=plan.window_seconds)
    count = min((now - window - carried.since) // window, MOST_WINDOWS_AT_ONCE)
    if count <= 0:
        return replace(carried, observations=(), wait=_readable(carried.since, plan))
    end = carried.since + count * window
    observations = _read(carried, world.metrics, end, count)
    return replace(carried, observations=observations, since=end, wait=_readable(end, plan))


def decide(carried: Carried, world: World, now: datetime) -> Carried:
    """Let the core weigh the observations; record every decision and say it on the bus."""
    rollout, decisions = decide_all(carried.rollout, carried.observations)
    sequence = carried.sequence
    for observation, decision in zip(carried.observations, decisions, strict=False):
        sequence += 1
        body = {
            "decision": str(decision.kind),
            "share": decision.share,
            "reason": decision.reason,
            "evidence": dict(decision.evidence),
            **_window(observation),
        }
        _record_decision(carried, sequence, body, world, now)
    last = decisions[-1]
    summary = {"kind": str(last.kind), "share": last.share, "reason": last.reason}
    outcome = str(rollout.outcome) if rollout.outcome else None
    return replace(carried, rollout=rollout, sequence=sequence, decision=summary, outcome=outcome, observations=())


def shift(carried: Carried, world: World) -> Carried:
    """Write the decided share by compare-and-set. Raises Drift when somebody else changed the router."""
    _refuse_lost_lock(carried, world)
    share = float((carried.decision or {})["share"])
    state = world.routers.read(carried.target)
    if _is_written(state, share, carried):
        return _shifted(carried, state, share)
    _refuse_drift(carried, state)
    try:
        return _shifted(carried, world.routers.write(carried.target, share, state.version), share)
    except Conflict as conflict:
        after = world.routers.read(carried.target)
        _refuse_drift(carried, after)  # a change of the status alone is nobody's drift
        raise NotReady(f"router {carried.target.key} changed while its share was written: {conflict}") from conflict


def roll_back(carried: Carried, world: World, now: datetime) -> Carried:
    """Take all traffic from the canary, whoever wrote the router last. Raises Conflict after many tries.

    A router that another rollout holds by now is left to that one.
    """
    if _held_by(carried, world) in (None, carried.name):
        _withdraw(carried.target, world.routers)
    carried = replace(carried, written=0.0, asked=0.0, outcome="rolled_back", observations=())
    why = carried.drift or carried.failure
    if not why:
        return carried
    reason = f"somebody else changed the router: {why['cause']}" if carried.drift else f"{why['error']}: {why['cause']}"
    carried = replace(carried, sequence=carried.sequence + 1)
    decision = {"decision": "rollback", "share": 0.0, "reason": reason, "evidence": {}}
    _record_decision(carried, carried.sequence, decision, world, now)
    carried = replace(carried, decision={"kind": "rollback", "share": 0.0, "reason": reason})
    if carried.drift:
        return carried
    return replace(carried, error=why["error"], cause=f"the canary was rolled back after {reason}")


def end(carried: Carried, world: World, now: datetime) -> dict[str, Any]:
    """Record the outcome, let the router go, say it on the bus; the canary machine's output."""
    failed = {} if carried.error is None else {"error": carried.error, "cause": carried.cause}
    ended = Ended(
        rollout=carried.name,
        outcome=str(carried.outcome),
        reason=str((carried.decision or {}).get("reason", "")),
        share=carried.written,
        decisions=carried.sequence,
        extra=failed,
    ).to_dict()
    world.records.put(carried.name, carried.sequence + 1, "ended", ended, now)
    world.records.unlock(carried.target, carried.name)
    world.events.put("RolloutEnded", {**_subject(carried.name, carried.target), **ended})
    return ended


def abandon(name: str, reason: str, target: Target, world: World, now: datetime) -> bool:
    """Roll back a rollout whose execution is gone; False when it has ended by itself or never began."""
    entries = world.records.entries(name)
    if not entries or any(entry["kind"] == "ended" for entry in entries):
        return False
    _withdraw(target, world.routers)
    sequence = max(int(entry["sequence"]) for entry in entries) + 1
    decision = {"decision": "rollback", "share": 0.0, "reason": reason, "evidence": {}}
    world.records.put(name, sequence, "decision", decision, now)
    ended = Ended(name, "rolled_back", reason, 0.0, sequence).to_dict()
    world.records.put(name, sequence + 1, "ended", ended, now)
    world.records.unlock(target, name)
    world.events.put("RolloutEnded", {**_subject(name, target), **ended})
    return True


def _withdraw(target: Target, routers: Routers) -> None:
    for attempt in range(ROLLBACK_ATTEMPTS):
        try:
            routers.withdraw(target)
            return
        except Conflict:
            if attempt == ROLLBACK_ATTEMPTS - 1:
                raise


def _is_written(state: RouterState, share: float, carried: Carried) -> bool:
    """Whether this very step has written the share before, and was cut off after that."""
    return (
        state.manager == MANAGER
        and dict(state.weights) != dict(carried.weights)
        and abs(state.share - share) <= COARSEST_STEP
        and (state.share > 0) == (share > 0)
    )


def _shifted(carried: Carried, state: RouterState, asked: float) -> Carried:
    return replace(carried, weights=dict(state.weights), written=state.share, asked=asked)


def _refuse_drift(carried: Carried, state: RouterState) -> None:
    if dict(state.weights) != dict(carried.weights):
        raise Drift(
            f"router {carried.target.key} has the weights {dict(state.weights)}, the rollout wrote "
            f"{dict(carried.weights)}; {state.manager} changed it",
            state.manager,
        )


def _held_by(carried: Carried, world: World) -> str | None:
    lock = world.records.holder(carried.target)
    return lock.rollout if lock else None


def _refuse_lost_lock(carried: Carried, world: World) -> None:
    """Whoever ends a rollout from outside (its workshop is being cleaned, say) takes its lock away."""
    holder = _held_by(carried, world)
    if holder != carried.name:
        raise Drift(
            f"router {carried.target.key} is no longer this rollout's, it was ended from outside; "
            f"now it is held by {holder or 'nobody'}",
            holder or "nobody",
        )


def _read(carried: Carried, metrics: Metrics, end: datetime, count: int) -> tuple[Observation, ...]:
    plan = carried.rollout.plan
    nodes = (carried.target.canary, carried.target.baseline)
    canary, baseline = (_by_start(_node(carried, metrics, node, end)) for node in nodes)
    window = timedelta(seconds=plan.window_seconds)
    starts = [carried.since + number * window for number in range(count)]
    return tuple(
        Observation(each, each + window, carried.written, canary.get(each), baseline.get(each)) for each in starts
    )


def _node(carried: Carried, metrics: Metrics, node: str, end: datetime) -> Sequence[NodeCounts]:
    plan = carried.rollout.plan
    return metrics.read(carried.target, node, carried.since, end, plan.window_seconds, plan.latency_edges)


def _by_start(counts: Sequence[NodeCounts]) -> dict[datetime, Counts]:
    return {each.start: Counts(each.requests, each.errors, each.slower) for each in counts}


def _aligned(now: datetime, plan: Plan) -> datetime:
    """The next instant at which a metric's period begins: 1 s for windows under a minute, else a minute."""
    period = 1 if plan.window_seconds < 60 else 60
    return datetime.fromtimestamp(math.ceil(now.timestamp() / period) * period, UTC)


def _readable(since: datetime, plan: Plan) -> datetime:
    """When the window from `since` can be read: one whole window after it ended."""
    return since + timedelta(seconds=2 * plan.window_seconds)


def _record_decision(carried: Carried, sequence: int, body: Mapping[str, Any], world: World, now: datetime) -> None:
    world.records.put(carried.name, sequence, "decision", body, now)
    world.events.put("RolloutDecided", {**_subject(carried.name, carried.target), "sequence": sequence, **body})


def _subject(name: str, target: Target) -> dict[str, str]:
    return {"workshop": target.workshop, "rollout": name, "router": target.key}


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
