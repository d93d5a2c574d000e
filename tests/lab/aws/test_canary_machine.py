"""The canary machine as deployed, executed on stand-in functions."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from canario.adapters.tasks import TaskTokens
from tests.lab.aws.conftest import Execution, Machines, wait
from tests.lab.aws.test_guided_machine import Guided

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


def waits(seconds: float) -> dict[str, Any]:
    """For a person, and at most so long."""
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return {"set": {**decided("hold", 0.0)["set"], "waiting": {"told": 0}, "wait": until.replace("+00:00", "Z")}}


STOPPED = {"error": "Stopped", "message": "aborted by arn:ana"}


def test_a_word_ends_the_wait_for_a_person_at_once(machines: Machines) -> None:
    """The task's token is the gate function's; whoever wakes it makes the machine look, long before the window."""
    steps = {
        "Observe": [WINDOW, STOPPED],
        "Decide": [waits(600)],
        "End": [{"return": {"outcome": "rolled_back"}}],
    }
    client, script = machines.deployed.client("stepfunctions"), machines._script(steps)
    started = client.start_execution(
        stateMachineArn=machines.canary,
        name=f"gate-{uuid4().hex[:8]}",
        input=json.dumps({"plan": {"script": script}}),
    )
    running = Guided(client, started["executionArn"], Path(script["ledger"]))
    TaskTokens(client).succeed(running.token_of("Wait for a person"), {"woken": True})
    found = running.end()

    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"outcome": "rolled_back"})
    assert running.names[-4:] == ["Wait for a person", "Observe", "Roll back", "End"]
    assert running.told("Roll back")["carried"]["stopped"]["error"] == "Stopped"


def test_nobody_coming_leaves_the_windows_going_on(machines: Machines) -> None:
    """When the next window can be read, the wait for a person is over, and the window counts."""
    steps = {"Observe": [WINDOW], "Decide": [waits(0.2), decided("hold", 0.0, "held")]}
    execution = machines.run_canary(steps)

    assert execution.status == "SUCCEEDED"
    turn = ["Observe", "Decide"]
    assert ["Begin rollout", "Verify", *turn, "Wait for a person", *turn, "End"] == execution.names


def test_a_gate_that_cannot_keep_its_token_costs_no_window(machines: Machines) -> None:
    """An error of the gate's function is no error of the rollout's."""
    steps = {
        "Observe": [WINDOW],
        "Decide": [waits(0), decided("hold", 0.0, "held")],
        "Wait for a person": [{"error": "ValueError"}],
    }
    execution = machines.run_canary(steps)

    assert execution.status == "SUCCEEDED"
    assert execution.names[-4:] == ["Wait for a person", "Observe", "Decide", "End"]


def test_a_full_history_goes_on_in_an_execution_of_its_own(machines: Machines) -> None:
    """Nothing begins anew there, and the first execution ends as the fresh one does."""
    part = f"part-{uuid4().hex[:8]}"
    full = {"set": {"observations": [], "continue_as": part}}
    steps = {
        "Observe": [full, {"set": {"observations": [1], "continue_as": None}}],
        "Decide": [decided("hold", 0.0, "held")],
        "End": [{"return": {"outcome": "held"}}],
    }
    execution = machines.run_canary(steps)

    assert (execution.status, execution.output) == ("SUCCEEDED", {"outcome": "held"})
    assert execution.names == ["Begin rollout", "Verify", "Observe", "Observe", "Decide", "End"]
    assert (execution.states[-1], execution.states.count("Observe")) == ("Done", 1)
    assert part_of(machines, part)["status"] == "SUCCEEDED"


def test_a_fresh_execution_that_fails_is_rolled_back_from_the_first(machines: Machines) -> None:
    """A later part that is gone leaves no share behind."""
    full = {"set": {"observations": [], "continue_as": f"part-{uuid4().hex[:8]}"}}
    steps = {
        "Observe": [full, {"error": "Drift"}],
        "Roll back": [{"error": "ValueError"}, {}],
        "End": [{"set": {"error": "RollbackFailed", "cause": "c"}}],
    }
    execution = machines.run_canary(steps)

    assert (execution.status, execution.error) == ("FAILED", "RollbackFailed")
    assert execution.names[-3:] == ["Roll back", "Roll back", "End"]


def part_of(machines: Machines, name: str) -> dict[str, Any]:
    arn = f"{machines.canary.replace(':stateMachine:', ':execution:')}:{name}"
    return wait(machines.deployed.client("stepfunctions"), arn)


def test_a_new_image_is_deployed_before_anything_is_verified(machines: Machines) -> None:
    """Deploy is asked until the pods run; then the rollout goes on as any other."""
    steps = {
        "Begin rollout": [{"set": {"image": {"reference": "r"}}}],
        "Deploy": [{"error": "NotReady"}, {}],
        "Observe": [WINDOW],
        "Decide": [decided("hold", 0.0, "held")],
    }
    execution = machines.run_canary(steps)

    assert execution.names == ["Begin rollout", "Deploy", "Deploy", "Verify", "Observe", "Decide", "End"]


def in_order(machines: Machines, *ends: dict[str, Any]) -> Execution:
    """An order of two rollouts; `ends`: how each ends."""
    script = machines._script({"Observe": [WINDOW], "Decide": [decided("hold", 0.0, "held")], "End": list(ends)})
    turns = [
        {"set": {"next": {"rollout": f"r-{uuid4().hex[:8]}", "plan": {"script": script}}}},
        {"set": {"next": {"rollout": f"r-{uuid4().hex[:8]}", "plan": {"script": script}}}},
        {"return": {"outcome": "promoted"}},
    ]
    return machines.run_order({"Which next?": turns})


def test_rollouts_in_an_order_run_one_after_the_other(machines: Machines) -> None:
    """Each is told how the ones before it ended, and the last answer is the order's."""
    execution = in_order(machines, {"return": {"outcome": "promoted"}}, {"return": {"outcome": "held"}})

    assert (execution.status, execution.output) == ("SUCCEEDED", {"outcome": "promoted"})
    done = [[each["outcome"] for each in call["event"]["done"]] for call in execution.calls]
    assert [[], ["promoted"], ["promoted", "held"]] == done


def test_a_rollout_of_an_order_that_fails_is_one_more_that_is_done(machines: Machines) -> None:
    """Its failure is told to whoever names the next one, and does not end the order unrecorded."""
    execution = in_order(machines, {"return": {"outcome": "rolled_back", "error": "RemoteError", "cause": "c"}})

    assert execution.status == "SUCCEEDED"
    assert [each["outcome"] for each in execution.calls[1]["event"]["done"]] == ["failed"]
