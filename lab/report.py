"""What one workshop did, as `.lab/report.json` and as the summary's lines. Pure: records in, text out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canario.workshop.request import STAGES

Record = Mapping[str, Any]
CERTAIN_FAILURE = 0.05  # from this error rate on, the lab's plan must find the canary out
CHECK_FIELDS = ("name", "status", "message")


@dataclass(frozen=True)
class Snapshot:
    """All that is known of an execution at one moment."""

    execution: str
    status: str  # Step Functions' own: RUNNING, SUCCEEDED, FAILED, …
    stages: Sequence[Record] = ()  # the newest record of each stage, in the document's order
    rollout: Sequence[Record] = ()  # the rollout's entries, in order
    traffic: Record = field(default_factory=dict)
    cause: str = ""

    @property
    def decisions(self) -> list[Record]:
        return [entry for entry in self.rollout if entry["kind"] == "decision"]

    @property
    def outcome(self) -> str | None:
        return next((str(entry["outcome"]) for entry in reversed(self.rollout) if entry.get("outcome")), None)


def newest(history: Iterable[Record], run: str) -> list[Record]:
    """The newest record of each stage of this run, in the document's order."""
    found = {str(record["stage"]): record for record in history if record.get("run") == run}
    return [found[stage] for stage in STAGES if stage in found]


def report(snapshot: Snapshot, *, seconds: Mapping[str, float]) -> dict[str, Any]:
    """DESIGN section 8's report. `seconds`: how long each step of the lab itself took."""
    return {
        "execution": snapshot.execution,
        "status": snapshot.status,
        "stages": [_stage(record) for record in snapshot.stages],
        "canary": {
            "outcome": snapshot.outcome,
            "decisions": [_decision(entry) for entry in snapshot.decisions],
        },
        "traffic": {"sent": 0, "failed": 0, "by_node": {}, **snapshot.traffic},
        "lab": {"seconds": {step: round(spent, 1) for step, spent in seconds.items()}},
        **({"cause": snapshot.cause} if snapshot.cause else {}),
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=1) + "\n")
    fresh.rename(path)


def complaint(snapshot: Snapshot, v2_error_rate: float, until: str) -> str | None:
    """Why the workshop did not do what it was told, in one line; None when it did."""
    if snapshot.status != "SUCCEEDED":
        return f"the execution {snapshot.status}: {snapshot.cause}"
    failed = [str(record["stage"]) for record in snapshot.stages if record["status"] != "passed"]
    if failed:
        return f"stages that did not pass: {', '.join(failed)}"
    wanted = _expected(v2_error_rate) if STAGES.index(until) >= STAGES.index("canary") else None
    if wanted and snapshot.outcome not in wanted:
        return f"the canary was {snapshot.outcome}; with v2 failing at {v2_error_rate:g} it should be {wanted[0]}"
    return None


def _expected(v2_error_rate: float) -> tuple[str, ...] | None:
    if v2_error_rate == 0:
        return ("promoted",)
    return ("rolled_back",) if v2_error_rate >= CERTAIN_FAILURE else None


def _stage(record: Record) -> dict[str, Any]:
    checks = [{key: check[key] for key in CHECK_FIELDS} for check in record.get("checks", [])]
    answer = {
        "id": record["stage"],
        "status": record["status"],
        "seconds": record.get("seconds"),
        "checks": checks,
    }
    return {**answer, **({"error": record["cause"]} if record.get("cause") else {})}


def _decision(entry: Record) -> dict[str, Any]:
    """The entry under DESIGN's names: `kind` is the decision's, `requests` and `errors` are the canary's."""
    rest = {key: value for key, value in entry.items() if key not in ("sequence", "kind", "decision")}
    return {"kind": entry["decision"], "requests": None, "errors": None, **rest}


def summary(snapshot: Snapshot, *, seconds: Mapping[str, float]) -> list[str]:
    """The end of a run, for a person."""
    lines = ["", f"workshop {snapshot.status.lower()}"]
    for record in snapshot.stages:
        checks = record.get("checks", [])
        held = sum(check["status"] == "passed" for check in checks)
        spent = record.get("seconds") or 0.0
        lines.append(f"  {record['stage']:<12}{record['status']:<10}{spent:>7.1f} s   {held} of {len(checks)} checks")
        lines += [f"      {check['name']}: {check['message']}" for check in checks if check["status"] != "passed"]
    lines += _canary_lines(snapshot) + _traffic_lines(snapshot.traffic)
    lines.append("lab      " + ", ".join(f"{step} {spent:.1f} s" for step, spent in seconds.items()))
    return lines


def _canary_lines(snapshot: Snapshot) -> list[str]:
    if not snapshot.decisions:
        return []
    last = snapshot.decisions[-1]
    lines = [f"canary   {snapshot.outcome}, after {len(snapshot.decisions)} decisions"]
    return [*lines, f"         {last['decision']}: {last['reason']}"]


def _traffic_lines(traffic: Record) -> list[str]:
    if not traffic.get("sent"):
        return ["traffic  none was sent"]
    lines = [f"traffic  {traffic['sent']} requests sent, {traffic['failed']} failed"]
    for node, counts in sorted(traffic.get("by_node", {}).items()):
        lines.append(f"         {node}: {counts['requests']} requests, {counts['errors']} errors")
    for node, counts in sorted(traffic.get("cloudwatch", {}).items()):
        said = f"{counts['requests']} requests, {counts['errors']} errors"
        lines.append(f"         CloudWatch, from the stage mesh on: {node}: {said}")
    return lines
