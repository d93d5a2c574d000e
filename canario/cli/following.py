"""Where a workshop is, and what the machine does next."""

from collections.abc import Iterator, Mapping
from typing import Any

from canario.cli.installation import Desk
from canario.cli.texts import text
from canario.errors import NotWaiting
from canario.workshop.request import STAGES
from canario.workshop.run import is_done
from canario.workshop.stages import stage

POLL_SECONDS = 0.5
MOST_POLLS = 1200  # ten minutes; a rollout may take longer, and goes on without anybody looking

Records = Mapping[str, Mapping[str, Any]]


def current(workshop: str, desk: Desk) -> str:
    """The stage that waits for its attendee. Raises NotWaiting, saying where the workshop is instead."""
    stages = desk.records.stages(workshop)
    waiting = _waiting(stages)
    if waiting:
        return waiting
    raise NotWaiting(f"no stage of the workshop {workshop} waits for anybody: {_where(stages, workshop)}")


def newest(stages: Records) -> Mapping[str, Any]:
    """The record that was written last."""
    return max(stages.values(), key=lambda record: (str(record["at"]), STAGES.index(record["stage"])))


def follow(workshop: str, stage_id: str, desk: Desk, language: str) -> Iterator[str]:
    """Look until the stage is done or has failed, and the next one waits; say what happened."""
    for _ in range(MOST_POLLS):
        stages = desk.records.stages(workshop)
        record = stages.get(stage_id, {})
        if record.get("status") == "failed":
            yield text(language, "failed", stage=stage_id, cause=record.get("cause") or record.get("error", ""))
            return
        waiting = _waiting(stages)
        if is_done(record) and waiting:
            yield _done(record, language)
            section = stage(waiting).section
            yield text(language, "next", stage=waiting, section=section, workshop=workshop)
            return
        if _is_over(stages, stage_id, workshop, desk):
            yield from [_done(record, language)] if record else []
            yield text(language, "over", workshop=workshop)
            return
        desk.pause(POLL_SECONDS)
    yield text(language, "working", workshop=workshop)


def _is_over(stages: Records, stage_id: str, workshop: str, desk: Desk) -> bool:
    """Whether the execution ended after this stage; its records may be gone by then."""
    record = stages.get(stage_id) or _last(workshop, stage_id, desk)
    return is_done(record) and desk.machine.describe(str(record["run"])).status != "RUNNING"


def _last(workshop: str, stage_id: str, desk: Desk) -> Mapping[str, Any]:
    return next((each for each in reversed(desk.records.history(workshop)) if each["stage"] == stage_id), {})


def _waiting(stages: Records) -> str | None:
    return next((each for each in STAGES if stages.get(each, {}).get("status") == "waiting"), None)


def _done(record: Mapping[str, Any], language: str) -> str:
    if record["status"] == "skipped":
        return text(language, "skipped", stage=record["stage"])
    by = text(language, f"by_{record.get('by', 'machine')}")
    return text(language, "passed", stage=record["stage"], by=by)


def _where(stages: Records, workshop: str) -> str:
    if not stages:
        return f"nothing is recorded of it. What to do: canario start {workshop} --mode guided"
    record = newest(stages)
    if record["status"] in ("running", "passed", "skipped"):
        return f"its newest record is {record['stage']}, {record['status']}; canario show {workshop} follows it"
    return (
        f"stage {record['stage']} {record['status']}: {record.get('cause', 'it was undone')}. "
        f"What to do: canario start {workshop} --mode guided"
    )
