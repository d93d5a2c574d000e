"""A person's or an alarm's word to a rollout that runs, and what it does at once."""

from datetime import datetime
from typing import Any

from canario.canary.alarmed import is_its_alarm
from canario.canary.ending import withdraw
from canario.canary.instructions import Instruction, standing
from canario.canary.ports import Steered
from canario.canary.steps import subject
from canario.canary.world import World
from canario.errors import NotWaiting


def instruct(rollout: str, kind: str, by: str, reason: str, world: World, now: datetime) -> dict[str, Any]:
    """Tell the rollout, and wake it when it waits for a person.

    `abort` takes the canary's share away at once; the execution ends when it looks next, within two windows.
    Raises NotWaiting when the rollout does not run, or has no gate that waits for an approval.
    """
    steered = _running(rollout, world)
    share = _gate(rollout, world) if kind == "approve" else None
    return _carry_out(steered, Instruction(kind, by, now, reason, share), world)  # type: ignore[arg-type]


def alarm(name: str, reason: str, world: World, now: datetime) -> list[dict[str, Any]]:
    """Roll back every rollout that runs and names this alarm, or whose router the alarm's own name has."""
    struck = [each for each in world.records.steered() if each.outcome is None and _is_of(name, each)]
    return [_carry_out(each, Instruction("alarm", name, now, reason), world) for each in struck]


def _carry_out(steered: Steered, instruction: Instruction, world: World) -> dict[str, Any]:
    """On record first: whoever writes a share after it looks for it (`steps.shift`)."""
    before = standing(world.records.instructions(steered.rollout))
    world.records.instruct(steered.rollout, instruction)
    stops = instruction.kind in ("abort", "alarm")
    if stops:
        withdraw(steered.target, world.routers)
    woken = world.tokens.wake(steered.rollout)
    if not (stops and before.stop):
        detail = {**subject(steered.rollout, steered.target), **instruction.to_dict()}
        world.events.put("RolloutInstructed", detail)
    answer = {"rollout": steered.rollout, "router": steered.target.key, "kind": instruction.kind, "woken": woken}
    return answer if instruction.share is None else {**answer, "share": instruction.share}


def _running(rollout: str, world: World) -> Steered:
    running = [each for each in world.records.steered() if each.outcome is None]
    found = next((each for each in running if each.rollout == rollout), None)
    if found is None:
        names = ", ".join(each.rollout for each in running) or "none"
        raise NotWaiting(f"no rollout {rollout} is running; those that are: {names}")
    return found


def _gate(rollout: str, world: World) -> float:
    """The gate that waits now: the lowest that is not open."""
    entries = world.records.entries(rollout)
    gates: list[float] = next((entry.get("gates", []) for entry in entries if entry["kind"] == "started"), [])
    approved = standing(world.records.instructions(rollout)).approved
    gate = next((share for share in gates if approved is None or share > approved), None)
    if gate is None:
        raise NotWaiting(f"the rollout {rollout} has no gate that is not open already")
    return float(gate)


def _is_of(alarm_name: str, steered: Steered) -> bool:
    return is_its_alarm(alarm_name, steered.target, steered.alarms)
