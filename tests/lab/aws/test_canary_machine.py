"""The canary machine as deployed, executed on stand-in functions."""

from collections import Counter
from typing import Any

from tests.lab.aws.conftest import Machines

WINDOW = {"set": {"observations": [1]}}
NO_WINDOW = {"set": {"observations": []}}


def decided(kind: str, share: float, outcome: str | None = None) -> dict[str, Any]:
    ended = {"outcome": outcome} if outcome else {}
    return {"set": {"decision": {"kind": kind, "share": share}, **ended}}


def asked(share: float) -> dict[str, Any]:
    return {"set": {"asked": share}}


def test_a_share_is_shifted_verified_and_watched_until_promotion(machines: Machines) -> None:
    """Each advance is shifted and verified before the next window; promotion ends in End."""
    steps = {
        "Observe": [WINDOW],
        "Decide": [decided("advance", 0.1), decided("advance", 0.5), decided("promote", 1.0, "promoted")],
        "Shift": [asked(0.1), asked(0.5), asked(1.0)],
        "End": [{"return": {"outcome": "promoted"}}],
    }
    execution = machines.run_canary(steps)

    assert (execution.status, execution.output) == ("SUCCEEDED", {"outcome": "promoted"})
    turn = ["Observe", "Decide", "Shift", "Verify"]
    assert ["Begin rollout", "Verify", *turn, *turn, *turn, "End"] == execution.names


def test_without_a_whole_window_it_waits_and_looks_again(machines: Machines) -> None:
    """No window means no decision."""
    steps = {"Observe": [NO_WINDOW, NO_WINDOW, WINDOW], "Decide": [decided("hold", 0.0, "held")]}
    execution = machines.run_canary(steps)

    assert execution.status == "SUCCEEDED"
    assert {name: Counter(execution.names)[name] for name in ("Observe", "Decide")} == {"Observe": 3, "Decide": 1}
    assert execution.states.count("Wait") == 3


def test_a_hold_writes_nothing(machines: Machines) -> None:
    """While the share stays, the router is left alone."""
    steps = {"Observe": [WINDOW], "Decide": [decided("hold", 0.0), decided("hold", 0.0, "held")]}
    execution = machines.run_canary(steps)

    assert "Shift" not in execution.names
    assert execution.names[-1] == "End"


def test_a_rollback_decision_takes_the_traffic_at_once(machines: Machines) -> None:
    """A rollback goes to Roll back, which needs no version and no verification, and succeeds."""
    steps = {"Observe": [WINDOW], "Decide": [decided("rollback", 0.0, "rolled_back")]}
    execution = machines.run_canary(steps)

    assert execution.status == "SUCCEEDED"
    assert execution.names[-3:] == ["Decide", "Roll back", "End"]


def test_proxies_that_have_not_taken_the_share_yet_are_asked_again(machines: Machines) -> None:
    """Verify is retried on NotReady; no window is read before it has passed."""
    steps = {
        "Verify": [{"error": "NotReady"}] * 3 + [{}],
        "Observe": [WINDOW],
        "Decide": [decided("hold", 0.0, "held")],
    }
    execution = machines.run_canary(steps)

    assert ["Begin rollout", *["Verify"] * 4, "Observe", "Decide", "End"] == execution.names


def test_a_share_that_never_comes_into_force_is_rolled_back(machines: Machines) -> None:
    """A share that no proxy takes by Verify's deadline is rolled back, and the execution fails."""
    why = {"error": "NotReady", "message": "proxy p has not taken the share"}
    failed = {"set": {"error": "NotReady", "cause": "rolled back"}}
    execution = machines.run_canary({"Verify": [why], "End": [failed]})

    rolled_back = execution.calls[-2]["event"]["carried"]
    assert (execution.status, execution.error) == ("FAILED", "NotReady")
    assert "proxy p has not taken the share" in rolled_back["failure"]["cause"]


def test_drift_is_rolled_back_and_says_so_without_failing(machines: Machines) -> None:
    """Somebody else's change stops the rollout; the execution succeeds with the outcome rolled_back."""
    steps = {
        "Observe": [{"error": "Drift", "message": "kubectl-edit changed it"}],
        "End": [{"return": {"outcome": "rolled_back"}}],
    }
    execution = machines.run_canary(steps)

    rolled_back = next(call for call in execution.calls if call["name"] == "Roll back")["event"]["carried"]
    assert (execution.status, execution.output) == ("SUCCEEDED", {"outcome": "rolled_back"})
    assert "kubectl-edit changed it" in rolled_back["drift"]["cause"]
    assert Counter(execution.names)["Observe"] == 1


def test_any_other_error_is_rolled_back_and_fails_the_execution(machines: Machines) -> None:
    """A bug in a step takes the traffic from the canary first, then fails the execution with its error."""
    steps = {
        "Observe": [WINDOW],
        "Decide": [{"error": "ZeroDivisionError"}],
        "End": [{"return": {"outcome": "rolled_back", "error": "ZeroDivisionError", "cause": "rolled back after it"}}],
    }
    execution = machines.run_canary(steps)

    assert (execution.status, execution.error) == ("FAILED", "ZeroDivisionError")
    assert execution.names[-3:] == ["Decide", "Roll back", "End"]


def test_a_killed_worker_is_tried_again_in_every_step(machines: Machines) -> None:
    """A worker killed in any step costs an attempt, not the rollout."""
    killed = {"kill": True}
    steps = {
        "Begin rollout": [killed, {}],
        "Verify": [killed, {}],
        "Observe": [killed, WINDOW],
        "Decide": [killed, decided("advance", 0.5, "promoted")],
        "Shift": [killed, asked(0.5)],
        "End": [killed, {}],
    }
    execution = machines.run_canary(steps)

    assert execution.status == "SUCCEEDED", execution.cause
    assert Counter(execution.names)["Shift"] == 2


def test_a_refused_beginning_touches_no_router(machines: Machines) -> None:
    """A router that has a rollout already is left to it: nothing is rolled back."""
    refused = {"error": "AlreadyRunning", "message": "router ns/r has the rollout other already"}
    execution = machines.run_canary({"Begin rollout": [refused]})

    assert (execution.status, execution.error) == ("FAILED", "AlreadyRunning")
    assert execution.names == ["Begin rollout"]


def test_a_rollback_that_fails_says_that_traffic_may_still_flow(machines: Machines) -> None:
    """When even the rollback fails, the execution's error says what a person has to look at."""
    steps = {"Observe": [{"error": "Drift"}], "Roll back": [{"error": "RemoteError", "message": "the API is gone"}]}
    execution = machines.run_canary(steps)

    assert (execution.status, execution.error) == ("FAILED", "RollbackFailed")
    assert "may still send traffic" in execution.cause
    assert "the API is gone" in execution.cause
