"""Guided mode from end to end in MiniStack: the deployed machine, its own functions, the command's adapters."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3
import pytest

from canario.adapters.records import WorkshopRecords
from canario.adapters.stage_functions import StageFunctions
from canario.adapters.waits import WaitRecords
from canario.errors import NotWaiting
from lab.state import REGION
from tests.lab.aws.conftest import Deployed, wait


class Classroom:
    """A workshop of its own in the deployed stacks; its cluster does not answer, so no check passes."""

    def __init__(self, deployed: Deployed) -> None:
        self.workshop, self.deployed = f"t{uuid4().hex[:8]}", deployed
        session = boto3.Session("test", "test", region_name=REGION)
        table = session.resource("dynamodb", endpoint_url=deployed.endpoint.url).Table(deployed.outputs["TableName"])
        self.records, self.waits = WorkshopRecords(table), WaitRecords(table)
        self.functions = StageFunctions(session, json.loads(deployed.outputs["StageFunctions"]))
        self.machine = deployed.client("stepfunctions")

    def start(self) -> str:
        content = {"workshop": self.workshop, "mode": "guided", "until": "preflight"}
        started = self.machine.start_execution(
            stateMachineArn=self.deployed.outputs["WorkshopMachineArn"],
            name=f"{self.workshop}-{uuid4().hex[:6]}",
            input=json.dumps(content),
        )
        return str(started["executionArn"])

    def ask(self, action: str, **more: str) -> dict[str, Any]:
        return self.functions.invoke("preflight", {"action": action, "workshop": self.workshop, **more})

    @property
    def status(self) -> str:
        return str(self.records.stages(self.workshop).get("preflight", {}).get("status"))

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < deadline, self.records.history(self.workshop)
            time.sleep(0.02)


@pytest.fixture
def room(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployed.endpoint.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Classroom(deployed)


def test_attempts_are_counted_then_the_stage_is_skipped(room: Classroom) -> None:
    """The whole way: wait, two attempts that fail, skip; the token is in the table's own partition and nowhere else."""
    execution = room.start()
    room.until(lambda: room.status == "waiting")
    token = room.waits.get(room.workshop, "preflight").token
    attempts = [room.ask("attempt") for _ in range(2)]
    room.ask("finish", finish="skip")

    assert [("failed", 1), ("failed", 2)] == [(each["status"], each["attempts"]) for each in attempts]
    assert wait(room.machine, execution)["status"] == "SUCCEEDED"
    assert (room.status, room.waits.get(room.workshop, "preflight")) == ("skipped", None)
    seen = f"{attempts}{room.records.history(room.workshop)}"
    assert token not in seen + (room.deployed.endpoint.directory / "logs" / "aws.log").read_text()
    with pytest.raises(NotWaiting, match="is not waiting for anybody"):
        room.ask("finish", finish="solve")


def test_a_new_execution_resumes_where_the_last_one_was(room: Classroom) -> None:
    """A stage that has passed ends its own wait; the record stays the first run's."""
    passed = {"status": "passed", "by": "attendee", "checks": []}
    room.records.put_stage(room.workshop, "first-run", "preflight", passed, datetime.now(UTC))
    found = wait(room.machine, room.start())

    assert found["status"] == "SUCCEEDED", found
    assert room.records.stages(room.workshop)["preflight"]["run"] == "first-run"


def test_a_reset_workshop_can_be_started_again(room: Classroom) -> None:
    """The execution fails as reset; the stage is cleaned; the next execution waits with another token."""
    first = room.start()
    room.until(lambda: room.status == "waiting")
    token = room.waits.get(room.workshop, "preflight").token
    room.ask("abandon", cause="a test")
    found = wait(room.machine, first)
    room.start()
    room.until(lambda: room.status == "waiting")

    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Reset", "a test")
    assert room.waits.get(room.workshop, "preflight").token != token
    room.ask("abandon", cause="the end of the test")
