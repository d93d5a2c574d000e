"""How a rollout ends: its share taken away, its outcome on record, its router let go. It ends once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from canario.canary.carried import Carried, Ended
from canario.canary.instructions import standing
from canario.canary.ports import Routers, Target
from canario.canary.steps import record_decision, subject
from canario.canary.subscribing import let_go
from canario.canary.world import Hands, World
from canario.errors import Conflict

ROLLBACK_ATTEMPTS = 10

Entries = Sequence[Mapping[str, Any]]


def roll_back(carried: Carried, world: World, now: datetime) -> Carried:
    """Take all traffic from the canary, whoever wrote the router last. Raises Conflict after many tries.

    A decision of the core is on record already. Of other reasons a stop's counts before a drift's, because who stops
    a rollout takes the share away, which is drift to whoever looks next. A router that another rollout holds by now is
    left to that one.
    """
    lock = world.records.holder(carried.target)
    if lock is None or lock.rollout == carried.name:
        withdraw(carried.target, world.routers)
    carried = replace(carried, written=0.0, asked=0.0, outcome="rolled_back", observations=(), waiting=None)
    reason = _reason(carried, world)
    if reason is None:
        return carried
    carried = _recorded(carried, reason, world, now)
    if carried.failure is None:
        return carried
    error = carried.failure["error"]
    return replace(carried, error=error, cause=f"the canary was rolled back after {reason}")


def end(carried: Carried, world: World, now: datetime) -> dict[str, Any]:
    """Record the outcome, let the router go, say it on the bus; the canary machine's output.

    When the rollout has been ended by somebody else meanwhile, that is how it ended.
    """
    failed = {} if carried.error is None else {"error": carried.error, "cause": carried.cause}
    ended = Ended(
        rollout=carried.name,
        outcome=str(carried.outcome),
        reason=str((carried.decision or {}).get("reason", "")),
        share=carried.written,
        decisions=carried.sequence,
        extra=failed,
    ).to_dict()
    let_go(carried, world)
    before = _ended(world.records.entries(carried.name))
    if before is not None and before != ended:
        _let_go(carried.target, carried.name, str(before["outcome"]), world)
        return before | failed
    world.records.put(carried.name, carried.sequence + 1, "ended", ended, now)
    _let_go(carried.target, carried.name, str(carried.outcome), world)
    world.events.put("RolloutEnded", {**subject(carried.name, carried.target), **ended})
    return ended


def abandon(name: str, reason: str, target: Target, world: Hands, now: datetime) -> bool:
    """Roll back a rollout whose execution is gone; False when it has ended by itself or never began."""
    entries = world.records.entries(name)
    if not entries or _ended(entries):
        return False
    withdraw(target, world.routers)
    sequence = _last(entries) + 1
    decision = {"decision": "rollback", "share": 0.0, "reason": reason, "evidence": {}}
    world.records.put(name, sequence, "decision", decision, now)
    ended = Ended(name, "rolled_back", reason, 0.0, sequence).to_dict()
    world.records.put(name, sequence + 1, "ended", ended, now)
    _let_go(target, name, "rolled_back", world)
    world.events.put("RolloutEnded", {**subject(name, target), **ended})
    return True


def withdraw(target: Target, routers: Routers) -> None:
    """Share 0, whatever the version. Raises Conflict when somebody else was faster, many times over."""
    for attempt in range(ROLLBACK_ATTEMPTS):
        try:
            routers.withdraw(target)
            return
        except Conflict:
            if attempt == ROLLBACK_ATTEMPTS - 1:
                raise


def _reason(carried: Carried, world: World) -> str | None:
    """Why, when it was not the core that decided it."""
    if not (carried.stopped or carried.drift or carried.failure):
        return None
    stop = standing(world.records.instructions(carried.name)).stop
    if stop and not carried.failure:
        return stop.words
    if carried.drift:
        return f"somebody else changed the router: {carried.drift['cause']}"
    why = carried.stopped or carried.failure or {}
    return f"{why['error']}: {why['cause']}"


def _recorded(carried: Carried, reason: str, world: World, now: datetime) -> Carried:
    """The rollback on record once, after everything that is there: another execution may have gone further."""
    carried = replace(carried, decision={"kind": "rollback", "share": 0.0, "reason": reason})
    entries = world.records.entries(carried.name)
    newest = entries[-1] if entries else {}
    if newest.get("kind") == "ended" or (newest.get("decision"), newest.get("reason")) == ("rollback", reason):
        return replace(carried, sequence=_last(entries))
    sequence = max(carried.sequence, _last(entries)) + 1
    decision = {"decision": "rollback", "share": 0.0, "reason": reason, "evidence": {}}
    record_decision(carried, sequence, decision, world, now)
    return replace(carried, sequence=sequence)


def _let_go(target: Target, name: str, outcome: str, world: Hands) -> None:
    world.records.settle(target, name, outcome)
    world.records.unlock(target, name)


def _ended(entries: Entries) -> dict[str, Any] | None:
    """How it ended, if it has, as the machine puts it out."""
    found = next((entry for entry in entries if entry["kind"] == "ended"), None)
    return (
        None
        if found is None
        else {name: value for name, value in found.items() if name not in ("sequence", "kind", "at")}
    )


def _last(entries: Entries) -> int:
    return max((int(entry["sequence"]) for entry in entries), default=0)
