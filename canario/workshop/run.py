"""One stage's turn in an execution: act or check, record it, say it on the bus.

A stage that the workshop's record says has passed, or was skipped, is not done again: that is how an execution that
crashed, was redriven or was started anew resumes, and why a promoted canary is not undone by a second start.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from canario.errors import CheckFailed, Frozen, NotReady, Quarantined
from canario.workshop import lifetime
from canario.workshop.kinds import NAMESPACE
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.stage import CheckResult, Stage
from canario.workshop.stages import stage

DONE = ("passed", "skipped")  # the states of a record that a later run does not touch
QUARANTINED = "quarantined"  # not everything could be cleaned away
TIMED_OUT = ("States.Timeout", "States.HeartbeatTimeout")
ABANDONED = "nobody worked at the stage for too long; start the workshop again in mode guided: it resumes here"


class Finish(StrEnum):
    """How a stage comes to its end."""

    SOLVE = "solve"  # the machine does the work: always, in mode auto
    DONE = "done"  # the attendee has done it
    SKIP = "skip"  # nobody does it


def begin(request: Request, ports: Ports, run: str) -> None:
    """Say that the execution has started, and until when the workshop may live. Raises Frozen."""
    if not request.only:
        _refuse_frozen("begin", request, ports)
    lifetime.begin(request, ports, run)
    ports.events.put("WorkshopStarted", {**request.to_dict(), "run": run})


def solve(
    stage_id: str,
    request: Request,
    ports: Ports,
    run: str,
    finish: Finish = Finish.SOLVE,
    entered: datetime | None = None,
) -> dict[str, Any]:
    """Do the stage's work; `{"stage", "status", "outputs"}`. Raises NotReady while something has to settle first.

    What an attendee has done is left as it is. Raises Frozen when the workshop is being cleaned, and Quarantined when
    cleaning is not ready at its deadline after `entered`.
    """
    this = stage(stage_id)
    record = record_of(stage_id, request, ports)
    if is_done(record):
        return {"stage": stage_id, "status": record["status"], "outputs": dict(record.get("outputs", {}))}
    if this.id != lifetime.CLEAN:
        _refuse_frozen(f"stage {stage_id}", request, ports)
    if finish is Finish.SKIP or (request.is_caught_up(stage_id) and this.needs_traffic):
        return _skip(this, request, ports, run, record)
    body = {**_begun(record, ports, run), "by": "attendee" if finish is Finish.DONE else "machine"}
    put(this, request, ports, run, {**body, "outputs": dict(record.get("outputs", {}))})
    work = this.solve if finish is Finish.SOLVE else this.by_hand.take_over if this.by_hand else _nothing
    try:
        outputs = dict(work(request, ports))
    except NotReady as waiting:
        if waiting.progress:
            put(this, request, ports, run, {**body, "outputs": waiting.progress})
        waited = (ports.now - (entered or ports.now)).total_seconds()
        if this.failure == QUARANTINED and waited >= this.deadline_seconds:
            raise Quarantined(f"{waiting} (after {waited:.0f} of {this.deadline_seconds} s)") from waiting
        raise
    put(this, request, ports, run, {**body, "outputs": outputs})
    return {"stage": stage_id, "status": "running", "outputs": outputs}


def check(stage_id: str, request: Request, ports: Ports, run: str, entered: datetime) -> dict[str, Any]:
    """Run the stage's checks; `{"stage", "status", "checks", "seconds"}` when all passed.

    Raises NotReady, naming the checks that did not pass, until the stage's deadline after `entered`, and
    CheckFailed from then on, or at once when no wait can mend one of them.
    """
    this = stage(stage_id)
    record = record_of(stage_id, request, ports)
    if is_done(record):
        return _answer(this, record)
    results = this.check(request, ports)
    missing = [result for result in results if not result.passed]
    waited = (ports.now - entered).total_seconds()
    if missing and waited < this.deadline_seconds and not any(result.finding.final for result in missing):
        raise NotReady(_says(this, missing))
    body = _body(results, record, ports.now, this.failure if missing else "passed")
    put(this, request, ports, run, body)
    _say(this, request, ports, run, body)
    if missing:
        error = Quarantined if this.failure == QUARANTINED else CheckFailed
        raise error(f"{_says(this, missing)} (after {waited:.0f} of {this.deadline_seconds} s)")
    return _answer(this, body)


def clean(stage_id: str, request: Request, ports: Ports, run: str) -> dict[str, Any]:
    """Undo one stage; its record says so, so that a later run does it again. Raises NotReady while it is going."""
    this = stage(stage_id)
    this.clean(request, ports)
    namespace = ports.kubernetes.get(NAMESPACE, request.names.namespace)
    if namespace and "deletionTimestamp" in namespace["metadata"]:
        raise NotReady(f"stage {stage_id}: the namespace {request.names.namespace} is still going")
    put(this, request, ports, run, {"status": "cleaned", "ended": ports.now.isoformat()})
    return {"stage": stage_id, "status": "cleaned"}


def end(request: Request, ports: Ports, run: str) -> dict[str, Any]:
    """The execution did what it was asked. After `clean` the workshop may start afresh; its history stays."""
    stages = ports.records.stages(request.workshop)
    if stages.get("clean", {}).get("status") == "passed":
        ports.records.forget(request.workshop)
        ports.lifetimes.delete(request.workshop)
    ports.events.put("WorkshopSucceeded", {"workshop": request.workshop, "run": run, "stage": request.until})
    return {"workshop": request.workshop, "run": run, "status": "succeeded", "until": request.until}


def fail(request: Request, ports: Ports, run: str, stage_id: str, error: str, cause: str) -> dict[str, Any]:
    """Record which stage failed and why, unless its own check has recorded it already.

    When it was `clean`, the workshop is quarantined: the error is Quarantined, and a second event says what is left.
    """
    this, record = stage(stage_id), record_of(stage_id, request, ports)
    if record.get("status") == "waiting" and error in TIMED_OUT:
        cause = ABANDONED
    if record.get("status") != this.failure or record.get("run") != run:
        body = {
            **_kept(record),
            "status": this.failure,
            "error": error,
            "cause": cause,
            "ended": ports.now.isoformat(),
        }
        put(this, request, ports, run, body)
        _say(this, request, ports, run, body)
    if this.failure == QUARANTINED:
        error = Quarantined.__name__
        left = record.get("outputs", {}).get("left", [])
        ports.events.put(
            "WorkshopQuarantined",
            {"workshop": request.workshop, "run": run, "stage": stage_id, "left": left, "cause": cause},
        )
    detail = {"workshop": request.workshop, "run": run, "stage": stage_id, "error": error, "cause": cause}
    ports.events.put("WorkshopFailed", detail)
    return {**detail, "status": this.failure}


def record_of(stage_id: str, request: Request, ports: Ports) -> Mapping[str, Any]:
    """The stage's current record; empty when there is none."""
    return ports.records.stages(request.workshop).get(stage_id, {})


def is_done(record: Mapping[str, Any]) -> bool:
    """Whether a later run leaves the stage alone."""
    return record.get("status") in DONE


def put(this: Stage, request: Request, ports: Ports, run: str, body: Mapping[str, Any]) -> None:
    """Make `body` the stage's current record."""
    ports.records.put_stage(request.workshop, run, this.id, {**body, "run": run}, ports.now)


def _refuse_frozen(what: str, request: Request, ports: Ports) -> None:
    """Nothing is made any more once cleaning has begun: it would be made behind the cleaner's back."""
    cleaning = record_of(lifetime.CLEAN, request, ports)
    if cleaning.get("status") not in ("running", QUARANTINED):
        return
    raise Frozen(
        f"{what}: the workshop {request.workshop} is being cleaned since {cleaning.get('started')} "
        f"({cleaning['status']}). What to do: canario clean {request.workshop}, then start it again"
    )


def _begun(record: Mapping[str, Any], ports: Ports, run: str) -> dict[str, Any]:
    started = str(record.get("started", ports.now.isoformat())) if record.get("run") == run else ports.now.isoformat()
    return {"status": "running", "started": started}


def _nothing(request: Request, ports: Ports) -> Mapping[str, Any]:
    return {}


def _skip(this: Stage, request: Request, ports: Ports, run: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Nobody does the stage, and the record says so: no check has run, so it has not passed."""
    late = request.is_caught_up(this.id)
    reason = "a rollout takes time and traffic; who comes late goes on without it" if late else "the attendee asked"
    body = {**_begun(record, ports, run), "status": "skipped", "ended": ports.now.isoformat(), "reason": reason}
    put(this, request, ports, run, body)
    ports.events.put("StageSkipped", {"workshop": request.workshop, "run": run, "stage": this.id, "reason": reason})
    return {"stage": this.id, "status": "skipped", "outputs": {}}


def _kept(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in ("started", "outputs", "checks", "by") if key in record}


def _body(results: Sequence[CheckResult], record: Mapping[str, Any], now: datetime, status: str) -> dict[str, Any]:
    started = str(record.get("started", now.isoformat()))
    return {
        **_kept(record),
        "status": status,
        "started": started,
        "ended": now.isoformat(),
        "seconds": round((now - datetime.fromisoformat(started)).total_seconds(), 1),
        "checks": [result.to_dict() for result in results],
    }


def _answer(this: Stage, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stage": this.id,
        "status": body["status"],
        "checks": body.get("checks", []),
        "seconds": body.get("seconds", 0),
    }


def _say(this: Stage, request: Request, ports: Ports, run: str, body: Mapping[str, Any]) -> None:
    kind = "StagePassed" if body["status"] == "passed" else "StageFailed"
    detail = {"workshop": request.workshop, "run": run, "stage": this.id, "seconds": body.get("seconds", 0)}
    ports.events.put(kind, {**detail, "checks": body.get("checks", []), "error": body.get("error", "")})


def _says(this: Stage, missing: Sequence[CheckResult]) -> str:
    return f"stage {this.id}: " + "; ".join(str(result) for result in missing)
