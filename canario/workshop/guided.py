"""Mode `guided`: a stage waits on a task token for its attendee's own work.

`wait` is called by the state machine, with the token; `attempt` and `finish` by the attendee, through the stage's own
function. The token is a secret of the execution: it is in the port `Waits` and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from canario.errors import NotWaiting
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.run import Finish, is_done, put, record_of
from canario.workshop.stages import stage

RESET = "Reset"  # the error of an execution that `canario reset` has ended


@dataclass(frozen=True)
class Waiting:
    """One stage of one execution that waits for its attendee."""

    run: str
    request: Mapping[str, Any]  # normalised
    token: str = field(repr=False)
    attempts: int = 0  # those that failed


class Waits(Protocol):
    """The stages that wait, by workshop and stage."""

    def put(self, workshop: str, stage: str, waiting: Waiting) -> None: ...

    def get(self, workshop: str, stage: str) -> Waiting | None: ...

    def count(self, workshop: str, stage: str) -> int:
        """One more failed attempt; how many there were. Atomic. Raises NotWaiting when the stage waits no more."""

    def delete(self, workshop: str, stage: str) -> None:
        """Harmless when it is not there."""


class Tasks(Protocol):
    """The tasks that wait for their token. Every method raises NotWaiting when none does (any more)."""

    def succeed(self, token: str, output: Mapping[str, Any]) -> None: ...

    def fail(self, token: str, error: str, cause: str) -> None: ...

    def heartbeat(self, token: str) -> None: ...


@dataclass(frozen=True)
class Guide:
    """What guided mode reaches beyond a stage's own ports."""

    waits: Waits
    tasks: Tasks


def wait(stage_id: str, request: Request, ports: Ports, guide: Guide, run: str, token: str) -> dict[str, Any]:
    """The stage waits from now on, unless its record says that it is done: then its task ends at once."""
    record = record_of(stage_id, request, ports)
    if is_done(record):
        guide.tasks.succeed(token, {"finish": str(Finish.DONE)})
        return {"stage": stage_id, "status": record["status"]}
    guide.waits.put(request.workshop, stage_id, Waiting(run, request.to_dict(), token))
    put(stage(stage_id), request, ports, run, {"status": "waiting", "started": ports.now.isoformat()})
    ports.events.put("StageWaiting", {"workshop": request.workshop, "run": run, "stage": stage_id})
    return {"stage": stage_id, "status": "waiting"}


def attempt(stage_id: str, request: Request, ports: Ports, guide: Guide) -> dict[str, Any]:
    """Run the checks for the attendee: `{"stage", "status", "waiting", "attempts", "checks"}`.

    When all hold, the machine goes on; if not, the attempt is counted and the task lives on. A stage that does not
    wait is only looked at. Nothing is recorded of the stage itself: that is the machine's own check.
    """
    this, waiting = stage(stage_id), guide.waits.get(request.workshop, stage_id)
    if waiting:
        guide.tasks.heartbeat(waiting.token)
    checks = this.by_hand.checks if waiting and this.by_hand else this.checks
    results = [check.run(request, ports) for check in checks if check.is_for(request)]
    holds = all(result.passed for result in results)
    answer = {
        "stage": stage_id,
        "mesh": request.mesh,
        "status": "passed" if holds else "failed",
        "waiting": waiting is not None,
        "attempts": 0,
        "checks": [result.to_dict() for result in results],
    }
    if waiting is None:
        return answer
    if holds:
        _complete(request.workshop, stage_id, waiting, guide, Finish.DONE)
    else:
        answer["attempts"] = guide.waits.count(request.workshop, stage_id)
    _say("StageAttempted", answer, request, ports, waiting)
    return answer


def finish(stage_id: str, request: Request, guide: Guide, how: Finish) -> dict[str, Any]:
    """End the stage's wait: the machine solves it, or it is skipped. Raises NotWaiting."""
    _complete(request.workshop, stage_id, _waiting(stage_id, request, guide), guide, how)
    return {"stage": stage_id, "status": str(how)}


def abandon(stage_id: str, request: Request, guide: Guide, cause: str) -> dict[str, Any]:
    """End the stage's wait with an error, and so the execution. Raises NotWaiting."""
    guide.tasks.fail(_waiting(stage_id, request, guide).token, RESET, cause)
    guide.waits.delete(request.workshop, stage_id)
    return {"stage": stage_id, "status": "abandoned"}


def _waiting(stage_id: str, request: Request, guide: Guide) -> Waiting:
    waiting = guide.waits.get(request.workshop, stage_id)
    if waiting is None:
        raise NotWaiting(
            f"stage {stage_id} of the workshop {request.workshop} is not waiting for anybody; "
            f"see where it is: canario show {request.workshop}"
        )
    return waiting


def _complete(workshop: str, stage_id: str, waiting: Waiting, guide: Guide, how: Finish) -> None:
    guide.tasks.succeed(waiting.token, {"finish": str(how)})
    guide.waits.delete(workshop, stage_id)


def _say(kind: str, answer: Mapping[str, Any], request: Request, ports: Ports, waiting: Waiting) -> None:
    checks = [{"name": check["name"], "status": check["status"]} for check in answer["checks"]]
    detail = {key: answer[key] for key in ("stage", "status", "attempts")}
    ports.events.put(kind, {"workshop": request.workshop, "run": waiting.run, **detail, "checks": checks})
