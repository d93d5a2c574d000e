"""The workshop machine as deployed, executed on stand-in functions."""

from collections import Counter

from canario.workshop.request import STAGES
from tests.lab.aws.conftest import Machines

NOT_READY, KILLED = {"error": "NotReady"}, {"kill": True}
PROMOTED = {"Decide": [{"set": {"decision": {"kind": "promote", "share": 1.0}, "outcome": "promoted"}}]}
ONE_WINDOW = {"Observe": [{"set": {"observations": [1]}}], "Shift": [{"set": {"asked": 1.0}}], **PROMOTED}


def test_every_stage_is_solved_then_checked_in_the_documents_order(machines: Machines) -> None:
    """A workshop solves and checks each stage in order, with the rollout in the canary's place."""
    execution = machines.run_workshop(ONE_WINDOW)

    assert execution.status == "SUCCEEDED", execution.cause
    assert [
        "Begin workshop",
        *(f"{action} {stage}" for stage in STAGES[: STAGES.index("canary")] for action in ("solve", "check")),
        "solve canary",
        "Begin rollout",
        *("Verify", "Observe", "Decide", "Shift", "Verify", "End"),
        "check canary",
        *(f"{action} {stage}" for stage in STAGES[STAGES.index("canary") + 1 :] for action in ("solve", "check")),
        "End workshop",
    ] == execution.names


def test_until_stops_after_its_stage(machines: Machines) -> None:
    """`until` ends the workshop, with success, after the stage it names."""
    execution = machines.run_workshop({}, until="baseline")

    assert execution.status == "SUCCEEDED"
    assert execution.names[-3:] == ["solve baseline", "check baseline", "End workshop"]
    assert {"status": "succeeded", "run": execution.calls[-1]["event"]["run"]} == execution.output


def test_a_check_that_is_not_ready_is_asked_again_until_it_passes(machines: Machines) -> None:
    """NotReady is retried, each time with the time at which the state was entered, not of the attempt."""
    execution = machines.run_workshop({"check baseline": [NOT_READY] * 9 + [{}]}, until="baseline")

    checks = [call["event"] for call in execution.calls if call["name"] == "check baseline"]
    assert execution.status == "SUCCEEDED"
    assert len(checks) == 10
    assert len({check["entered"] for check in checks}) == 1


def test_a_failed_check_is_recorded_and_fails_the_execution(machines: Machines) -> None:
    """CheckFailed is not retried: the failure is recorded with its stage, and names the execution's error."""
    failed = {"error": "CheckFailed", "message": "stage mesh: envoy in every pod failed"}
    execution = machines.run_workshop({"check mesh": [failed]})

    recorded = execution.calls[-1]["event"]["failure"]
    assert (execution.status, execution.error) == ("FAILED", "CheckFailed")
    assert "envoy in every pod failed" in execution.cause
    assert (recorded["stage"], recorded["request"]["workshop"]) == ("mesh", "turma-01")
    assert Counter(execution.names)["check mesh"] == 1


def test_a_killed_worker_is_tried_again(machines: Machines) -> None:
    """A function killed in the middle of its work is invoked again."""
    execution = machines.run_workshop({"solve mesh": [KILLED, {}], "check mesh": [KILLED, {}]}, until="mesh")

    assert execution.status == "SUCCEEDED", execution.cause
    assert (Counter(execution.names)["solve mesh"], Counter(execution.names)["check mesh"]) == (2, 2)


def test_a_remote_system_that_fails_once_does_not_end_the_workshop(machines: Machines) -> None:
    """RemoteError is retried a few times."""
    execution = machines.run_workshop({"solve preflight": [{"error": "RemoteError"}, {}]}, until="preflight")

    assert execution.status == "SUCCEEDED"


def test_a_remote_system_that_keeps_failing_ends_it_and_is_named(machines: Machines) -> None:
    """After a few attempts the error is the execution's, with the stage recorded."""
    failing = {"error": "RemoteError", "message": "PUT /x: connection refused"}
    execution = machines.run_workshop({"solve baseline": [failing]})

    assert (execution.status, execution.error) == ("FAILED", "RemoteError")
    assert Counter(execution.names)["solve baseline"] == 5
    assert "connection refused" in execution.cause


def test_bad_input_fails_at_begin(machines: Machines) -> None:
    """What Begin refuses is retried by nothing; no stage runs."""
    execution = machines.run_workshop(
        {"Begin workshop": [{"error": "InvalidInput", "message": "until: 'x' is not allowed"}]}
    )

    assert (execution.status, execution.error) == ("FAILED", "InvalidInput")
    assert execution.names == ["Begin workshop", "Fail workshop"]


def test_a_canary_that_passed_before_is_not_rolled_out_again(machines: Machines) -> None:
    """When the record says that the stage has passed, its rollout is left alone."""
    passed = {"return": {"status": "passed", "outputs": {}}}
    execution = machines.run_workshop({"solve canary": [passed]}, until="canary")

    assert execution.status == "SUCCEEDED"
    assert "Begin rollout" not in execution.names


def test_a_rollout_that_fails_is_the_workshops_failure(machines: Machines) -> None:
    """An error of the canary machine is caught, recorded for the stage canary, and fails the workshop."""
    failed = {"set": {"error": "ValueError", "cause": "a bug"}}
    steps = {"Observe": [{"error": "ValueError", "message": "a bug"}], "End": [failed]}
    execution = machines.run_workshop(steps)

    assert execution.status == "FAILED"
    assert execution.calls[-1]["event"]["failure"]["stage"] == "canary"
    assert execution.names[-3:] == ["Roll back", "End", "Fail workshop"]


def test_a_failure_that_cannot_be_recorded_still_says_what_failed(machines: Machines) -> None:
    """When recording fails as well, the execution fails with the stage's own error."""
    steps = {
        "solve mesh": [{"error": "CheckFailed", "message": "first"}],
        "Fail workshop": [{"error": "KeyError", "message": "second"}],
    }
    execution = machines.run_workshop(steps)

    assert execution.error == "CheckFailed"
    assert "first" in execution.cause
    assert "second" in execution.cause


def test_what_is_only_to_be_cleaned_is_only_cleaned(machines: Machines) -> None:
    """No other stage is looked at, in mode guided neither; a clean that is killed is done again."""
    execution = machines.run_workshop({"solve clean": [KILLED, NOT_READY, {}]}, only="clean", mode="guided")

    assert execution.status == "SUCCEEDED", execution.cause
    assert ["Begin workshop", *["solve clean"] * 3, "check clean", "End workshop"] == execution.names


def test_a_quarantine_is_the_executions_own_result(machines: Machines) -> None:
    """It fails at once with that error, and the names are its cause."""
    left = {"error": "Quarantined", "message": "stage clean: 1 things are left: Mesh app-mesh"}
    execution = machines.run_workshop({"check clean": [left]}, only="clean")

    assert (execution.status, execution.error) == ("FAILED", "Quarantined")
    assert "Mesh app-mesh" in execution.cause
