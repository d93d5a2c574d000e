"""The workshop machine in mode guided, as deployed, executed on stand-in functions."""

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from canario.adapters.tasks import TaskTokens
from canario.errors import NotWaiting
from tests.lab.aws.conftest import Machines, wait

GUIDED = {"mode": "guided", "guided_from": "preflight"}


@dataclass(frozen=True)
class Guided:
    """A guided execution that runs, and the attendee's side of it."""

    client: Any
    arn: str
    ledger: Path

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    @property
    def names(self) -> list[str]:
        return [call["name"] for call in self.calls]

    def token(self, stage: str, attempt: int = 0) -> str:
        return self.token_of(f"wait {stage}", attempt)

    def token_of(self, name: str, attempt: int = 0) -> str:
        """The token that the function was given, once it has been."""
        deadline = time.monotonic() + 30
        while True:
            found = [call["event"]["token"] for call in self.calls if call["name"] == name]
            if len(found) > attempt:
                return str(found[attempt])
            assert time.monotonic() < deadline, self.names
            time.sleep(0.01)

    def finish(self, stage: str, how: str) -> None:
        TaskTokens(self.client).succeed(self.token(stage), {"finish": how})

    def end(self) -> dict[str, Any]:
        return wait(self.client, self.arn)

    def told(self, name: str) -> Mapping[str, Any]:
        event: Mapping[str, Any] = next(call["event"] for call in self.calls if call["name"] == name)
        return event


def start(machines: Machines, steps: Mapping[str, Any], machine: str = "", **content: str) -> Guided:
    client, script = machines.deployed.client("stepfunctions"), machines._script(steps)
    given = {"workshop": "turma-01", "until": "baseline", **GUIDED, **content, "script": script}
    started = client.start_execution(
        stateMachineArn=machine or machines.workshop, name=f"guided-{uuid4().hex[:8]}", input=json.dumps(given)
    )
    return Guided(client, started["executionArn"], Path(script["ledger"]))


@pytest.fixture(scope="session")
def hasty(machines: Machines) -> str:
    """The same machine, whose stages wait three seconds in all and one without a heartbeat."""
    client = machines.deployed.client("stepfunctions")
    found = client.describe_state_machine(stateMachineArn=machines.workshop)
    definition = json.loads(found["definition"])
    for name, state in definition["States"].items():
        if name.startswith("Wait for "):
            state |= {"TimeoutSeconds": 3, "HeartbeatSeconds": 1}
    created = client.create_state_machine(
        name="hasty-workshop", definition=json.dumps(definition), roleArn=found["roleArn"]
    )
    return str(created["stateMachineArn"])


def test_each_stage_waits_then_the_checks_run(machines: Machines) -> None:
    """Nothing is solved until the attendee is done, and then solve is told that they are."""
    execution = start(machines, {})
    execution.finish("preflight", "done")
    execution.finish("baseline", "done")

    assert execution.end()["status"] == "SUCCEEDED"
    turn = ("wait", "solve", "check")
    expected = [f"{action} {stage}" for stage in ("preflight", "baseline") for action in turn]
    assert ["Begin workshop", *expected, "End workshop"] == execution.names
    assert {"done"} == {execution.told(f"solve {stage}")["finish"] for stage in ("preflight", "baseline")}


def test_solve_and_skip_reach_the_stage(machines: Machines) -> None:
    """How a wait was ended is what the stage is told to do."""
    execution = start(machines, {})
    execution.finish("preflight", "skip")
    execution.finish("baseline", "solve")

    assert execution.end()["status"] == "SUCCEEDED"
    told = [execution.told(f"solve {stage}")["finish"] for stage in ("preflight", "baseline")]
    assert ["skip", "solve"] == told


def test_in_mode_auto_nothing_waits(machines: Machines) -> None:
    """The machine does the work, and is told so."""
    execution = start(machines, {}, mode="auto")

    assert execution.end()["status"] == "SUCCEEDED"
    assert [] == [name for name in execution.names if name.startswith("wait")]
    assert execution.told("solve baseline")["finish"] == "solve"


def test_who_comes_late_starts_at_their_stage(machines: Machines) -> None:
    """The machine does what comes before it, and waits from there on."""
    execution = start(machines, {}, guided_from="baseline")
    execution.finish("baseline", "done")

    assert execution.end()["status"] == "SUCCEEDED"
    assert ["solve preflight", "check preflight", "wait baseline", "solve baseline"] == execution.names[1:5]
    assert ["solve", "done"] == [execution.told(f"solve {stage}")["finish"] for stage in ("preflight", "baseline")]


def test_a_skipped_canary_is_not_rolled_out(machines: Machines) -> None:
    """Only a canary that runs has a rollout."""
    skipped = {"return": {"status": "skipped", "outputs": {}}}
    execution = start(machines, {"solve canary": [skipped]}, until="canary", guided_from="canary")
    execution.finish("canary", "skip")

    assert execution.end()["status"] == "SUCCEEDED"
    assert "Begin rollout" not in execution.names


def test_a_wrong_token_changes_nothing(machines: Machines) -> None:
    """One clear error, without the token; the stage still waits for the right one."""
    execution = start(machines, {}, until="preflight")
    right = execution.token("preflight")

    for call in (TaskTokens(execution.client).heartbeat, lambda token: TaskTokens(execution.client).succeed(token, {})):
        with pytest.raises(NotWaiting) as refused:
            call("a-wrong-token")
        assert "a-wrong-token" not in str(refused.value)
    execution.finish("preflight", "done")
    assert execution.end()["status"] == "SUCCEEDED"
    with pytest.raises(NotWaiting):
        TaskTokens(execution.client).heartbeat(right)


def test_an_abandoned_stage_fails_and_is_recorded(machines: Machines, hasty: str) -> None:
    """Without a heartbeat the wait ends by itself, is not begun anew, and the failure names the stage."""
    execution = start(machines, {}, hasty)
    found = execution.end()

    recorded = execution.told("Fail workshop")["failure"]
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")
    assert ("preflight", "") == (recorded["stage"], recorded["cause"])
    assert ["Begin workshop", "wait preflight", "Fail workshop"] == execution.names


def test_a_heartbeat_keeps_the_wait_alive_up_to_its_time(machines: Machines, hasty: str) -> None:
    """With signs of life it waits longer than one silence may last; after its whole time it ends all the same."""
    started = time.monotonic()
    execution = start(machines, {}, hasty)
    token, beats = execution.token("preflight"), 0
    with contextlib.suppress(NotWaiting):
        while time.monotonic() < started + 30:
            TaskTokens(execution.client).heartbeat(token)
            beats += 1
            time.sleep(0.3)

    assert (execution.end()["status"], beats > 4) == ("FAILED", True)
    assert 3 <= time.monotonic() - started < 30


def test_a_wait_that_cannot_begin_fails_the_execution(machines: Machines) -> None:
    """An error of the function is not waited upon for hours; one that passes is tried again."""
    refused = start(machines, {"wait preflight": [{"error": "InvalidInput", "message": "mode: no"}]})
    flaky = start(machines, {"wait preflight": [{"error": "RemoteError"}, {}]}, until="preflight")
    TaskTokens(flaky.client).succeed(flaky.token("preflight", attempt=1), {"finish": "done"})

    found = refused.end()
    assert (found["status"], found["error"]) == ("FAILED", "InvalidInput")
    assert flaky.end()["status"] == "SUCCEEDED"


def test_a_reset_ends_the_execution(machines: Machines) -> None:
    """The error is Reset, and what waited is recorded."""
    execution = start(machines, {})
    TaskTokens(execution.client).fail(execution.token("preflight"), "Reset", "canario reset turma-01 preflight")
    found = execution.end()

    assert (found["status"], found["error"]) == ("FAILED", "Reset")
    assert execution.told("Fail workshop")["failure"]["stage"] == "preflight"
