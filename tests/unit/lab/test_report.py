"""What a run says at its end."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from canario.workshop.request import STAGES
from lab.progress import lines, picture
from lab.report import Snapshot, complaint, newest, report, summary

CHECK = {"name": "cluster", "status": "passed", "message": "1 of 1 nodes are Ready", "measured": {"nodes": 1}}
PREFLIGHT = {"stage": "preflight", "status": "passed", "run": "r", "seconds": 2.04, "checks": [CHECK]}
DECISION = {
    "sequence": 1,
    "kind": "decision",
    "decision": "advance",
    "at": "2026-11-02T12:00:05+00:00",
    "share": 0.01,
    "reason": "nothing speaks against it",
    "requests": 0,
    "errors": 0,
}
ENDED = {"sequence": 2, "kind": "ended", "at": "2026-11-02T12:01:05+00:00", "outcome": "promoted", "share": 1.0}
RUN = Snapshot(
    execution="arn:run",
    status="SUCCEEDED",
    stages=(PREFLIGHT,),
    rollout=({"sequence": 0, "kind": "started"}, DECISION, ENDED),
    traffic={"sent": 10, "failed": 1, "by_node": {"nodejs/v1": {"requests": 9, "errors": 1}}},
)


def test_the_report_has_designs_fields() -> None:
    """DESIGN section 8: other programs read these names."""
    found = report(RUN, seconds={"deploy": 9.04})

    assert ("arn:run", "SUCCEEDED") == (found["execution"], found["status"])
    assert {"id": "preflight", "status": "passed", "seconds": 2.04} == {
        key: found["stages"][0][key] for key in ("id", "status", "seconds")
    }
    assert {"name", "status", "message"} == set(found["stages"][0]["checks"][0])
    assert "promoted" == found["canary"]["outcome"]
    assert ("advance", 0.01, 0) == tuple(found["canary"]["decisions"][0][key] for key in ("kind", "share", "requests"))
    assert {"sent": 10, "failed": 1} == {key: found["traffic"][key] for key in ("sent", "failed")}


def test_only_the_newest_record_of_each_stage_of_this_run_counts() -> None:
    """The history has every attempt, and earlier runs."""
    history = [
        {**PREFLIGHT, "run": "earlier"},
        {"stage": "baseline", "status": "running", "run": "r"},
        {**PREFLIGHT, "status": "running"},
        PREFLIGHT,
    ]

    assert [("preflight", "passed"), ("baseline", "running")] == [
        (record["stage"], record["status"]) for record in newest(history, "r")
    ]


@pytest.mark.parametrize(
    ("rate", "outcome", "does_what_it_was_told"),
    [
        (0.0, "promoted", True),
        (0.0, "rolled_back", False),
        (0.0, "held", False),
        (0.2, "rolled_back", True),
        (0.2, "promoted", False),
        (1.0, "held", False),
        (0.001, "promoted", True),
        (0.001, "rolled_back", True),
    ],
)
def test_the_outcome_must_fit_what_v2_was_told_to_do(rate: float, outcome: str, does_what_it_was_told: bool) -> None:
    """A broken canary that is rolled back is a success; a healthy one that is not promoted is none."""
    run = replace(RUN, rollout=(DECISION, {**ENDED, "outcome": outcome}))

    assert does_what_it_was_told == (complaint(run, rate, "clean") is None)


def test_a_run_that_stops_before_the_canary_needs_no_outcome() -> None:
    """`UNTIL=mesh` was told nothing of a canary."""
    assert complaint(replace(RUN, rollout=()), 0.0, "mesh") is None


def test_a_failed_execution_is_never_what_was_asked() -> None:
    """The complaint carries the cause."""
    run = replace(RUN, status="FAILED", cause="stage mesh: …")

    assert "the execution FAILED: stage mesh: …" == complaint(run, 0.0, "clean")


def test_the_summary_names_outcome_traffic_and_failed_checks() -> None:
    """What a person looks for first."""
    bad = {**PREFLIGHT, "checks": [{**CHECK, "status": "failed", "message": "no node is Ready"}]}
    text = "\n".join(summary(replace(RUN, stages=(bad,)), seconds={}))

    assert "cluster: no node is Ready" in text
    assert "promoted, after 1 decisions" in text
    assert "10 requests sent, 1 failed" in text


def test_plain_lines_say_each_change_once() -> None:
    """Every line has a key, so that polling twice says nothing twice."""
    said = list(lines(RUN))

    assert ["stage preflight passed", "decision 1"] == [key for key, _ in said]
    assert "1.0%  advance  nothing speaks against it" in said[1][1]


def test_the_live_view_shows_every_stage_in_its_place() -> None:
    """Also those that have not begun."""
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(picture(RUN))
    text = console.export_text()

    assert [stage for stage in STAGES if stage in text] == list(STAGES)
    assert "10 requests, 1 failed" in text
