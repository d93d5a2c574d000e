"""Rollouts of several services in an order: the next one only after the one before it was promoted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from canario.canary.ports import Events, Records
from canario.canary.request import parse_rollout
from canario.errors import InvalidInput

PROMOTED = "promoted"


def following(
    order: str,
    given: Mapping[str, Any],
    done: Sequence[Mapping[str, Any]],
    records: Records,
    events: Events,
    now: datetime,
) -> dict[str, Any]:
    """What comes after the rollouts that are done: `{"next": input}` or `{"outcome", "done"}`.

    `given`: `{"rollouts": [a rollout's input with its name in `rollout`, …], "by"?}`. Every step is an entry in the
    record of the order, which is kept like a rollout's.
    """
    rollouts = _parsed(given)
    name = f"order-{order}"
    body = {"order": order, "by": str(given.get("by", "")), "rollouts": [str(each["rollout"]) for each in rollouts]}
    if not done:
        records.put(name, 0, "order_started", body, now)
        events.put("OrderStarted", {**_subject(order, rollouts), **body})
    for number, each in enumerate(done, 1):
        records.put(name, number, "rollout_ended", dict(each), now)
    stopped = next((each for each in done if each.get("outcome") != PROMOTED), None)
    if stopped is None and len(done) < len(rollouts):
        return {"next": rollouts[len(done)], "done": list(done)}
    ended = {"order": order, "outcome": "stopped" if stopped else PROMOTED, "done": [_short(each) for each in done]}
    if stopped:
        left = [str(each["rollout"]) for each in rollouts[len(done) :]]
        ended |= {"reason": f"{stopped.get('rollout')} ended {stopped.get('outcome')}: {stopped.get('reason')}"}
        ended |= {"left_out": left}
    records.put(name, len(done) + 1, "order_ended", ended, now)
    events.put("OrderEnded", {**_subject(order, rollouts), **ended})
    return ended


def _parsed(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    rollouts = given.get("rollouts")
    if not isinstance(rollouts, list) or not rollouts:
        raise InvalidInput("rollouts", rollouts, "a list of rollouts' inputs, in their order")
    parsed = [parse_rollout(each) for each in rollouts]
    names = [each.rollout for each in parsed]
    if None in names or len(set(names)) < len(names):
        raise InvalidInput("rollouts", names, "inputs each with its own `rollout`, a name")
    return [each.to_dict() for each in parsed]


def _subject(order: str, rollouts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {"workshop": str(rollouts[0]["target"]["workshop"]), "rollout": f"order-{order}"}


def _short(done: Mapping[str, Any]) -> dict[str, Any]:
    return {name: done.get(name) for name in ("rollout", "outcome", "reason")}
