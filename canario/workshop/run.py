"""One stage's turn in an execution: act or check, record it, say it on the bus.

A stage that the workshop's record says has passed is not done again: that is how an execution that crashed, was
redriven or was started anew resumes, and why a promoted canary is not undone by a second start.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from canario.errors import CheckFailed, NotReady
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.stage import CheckResult, Stage
from canario.workshop.stages import stage


def begin(request: Request, ports: Ports, run: str) -> None:
    """Say that the execution has started."""
    ports.events.put("WorkshopStarted", {**request.to_dict(), "run": run})


def solve(stage_id: str, request: Request, ports: Ports, run: str) -> dict[str, Any]:
    """Do the stage's work; `{"stage", "status", "outputs"}`. Raises NotReady while something has to settle first."""
    this = stage(stage_id)
    record = _record(this, request, ports)
    if _has_passed(record):
        return {"stage": stage_id, "status": "passed", "outputs": dict(record.get("outputs", {}))}
    started = str(record.get("started", ports.now.isoformat())) if record.get("run") == run else ports.now.isoformat()
    body = {"status": "running", "started": started}
    earlier = dict(record.get("outputs", {}))
    _put(this, request, ports, run, {**body, "outputs": earlier})
    try:
        outputs = dict(this.solve(request, ports))
    except NotReady as waiting:
        if waiting.progress:
            _put(this, request, ports, run, {**body, "outputs": waiting.progress})
        raise
    _put(this, request, ports, run, {**body, "outputs": outputs})
    return {"stage": stage_id, "status": "running", "outputs": outputs}


def check(stage_id: str, request: Request, ports: Ports, run: str, entered: datetime) -> dict[str, Any]:
    """Run the stage's checks; `{"stage", "status", "checks", "seconds"}` when all passed.

    Raises NotReady, naming the checks that did not pass, until the stage's deadline after `entered`, and
    CheckFailed from then on, or at once when no wait can mend one of them.
    """
    this = stage(stage_id)
    record = _record(this, request, ports)
    if _has_passed(record):
        return _answer(this, record)
    results = this.check(request, ports)
    missing = [result for result in results if not result.passed]
    waited = (ports.now - entered).total_seconds()
    if missing and waited < this.deadline_seconds and not any(result.finding.final for result in missing):
        raise NotReady(_says(this, missing))
    body = _body(results, record, ports.now, "failed" if missing else "passed")
    _put(this, request, ports, run, body)
    _say(this, request, ports, run, body)
    if missing:
        raise CheckFailed(f"{_says(this, missing)} (after {waited:.0f} of {this.deadline_seconds} s)")
    return _answer(this, body)


def clean(stage_id: str, request: Request, ports: Ports, run: str) -> dict[str, Any]:
    """Undo one stage; its record says so, so that a later run does it again."""
    this = stage(stage_id)
    this.clean(request, ports)
    _put(this, request, ports, run, {"status": "cleaned", "ended": ports.now.isoformat()})
    return {"stage": stage_id, "status": "cleaned"}


def end(request: Request, ports: Ports, run: str) -> dict[str, Any]:
    """The execution did what it was asked. After `clean` the workshop may start afresh; its history stays."""
    stages = ports.records.stages(request.workshop)
    if stages.get("clean", {}).get("status") == "passed":
        ports.records.forget(request.workshop)
    ports.events.put("WorkshopSucceeded", {"workshop": request.workshop, "run": run, "stage": request.until})
    return {"workshop": request.workshop, "run": run, "status": "succeeded", "until": request.until}


def fail(request: Request, ports: Ports, run: str, stage_id: str, error: str, cause: str) -> dict[str, Any]:
    """Record which stage failed and why, unless its own check has recorded it already."""
    record = ports.records.stages(request.workshop).get(stage_id, {})
    if record.get("status") != "failed" or record.get("run") != run:
        body = {
            **_kept(record),
            "status": "failed",
            "error": error,
            "cause": cause,
            "ended": ports.now.isoformat(),
        }
        _put(stage(stage_id), request, ports, run, body)
        _say(stage(stage_id), request, ports, run, body)
    detail = {"workshop": request.workshop, "run": run, "stage": stage_id, "error": error, "cause": cause}
    ports.events.put("WorkshopFailed", detail)
    return {**detail, "status": "failed"}


def _record(this: Stage, request: Request, ports: Ports) -> Mapping[str, Any]:
    return ports.records.stages(request.workshop).get(this.id, {})


def _has_passed(record: Mapping[str, Any]) -> bool:
    return record.get("status") == "passed"


def _kept(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in ("started", "outputs", "checks") if key in record}


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


def _put(this: Stage, request: Request, ports: Ports, run: str, body: Mapping[str, Any]) -> None:
    ports.records.put_stage(request.workshop, run, this.id, {**body, "run": run}, ports.now)


def _say(this: Stage, request: Request, ports: Ports, run: str, body: Mapping[str, Any]) -> None:
    kind = "StagePassed" if body["status"] == "passed" else "StageFailed"
    detail = {"workshop": request.workshop, "run": run, "stage": this.id, "seconds": body.get("seconds", 0)}
    ports.events.put(kind, {**detail, "checks": body.get("checks", []), "error": body.get("error", "")})


def _says(this: Stage, missing: Sequence[CheckResult]) -> str:
    return f"stage {this.id}: " + "; ".join(str(result) for result in missing)
