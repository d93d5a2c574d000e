"""One MiniStack with the real stacks for all tests here, and copies of both machines on stand-in functions."""

import base64
import io
import json
import platform
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme

from lab import aws

STACKS = ("CanarioCanary", "CanarioWorkshop")
ENDED = {"SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"}


@dataclass(frozen=True)
class Deployed:
    """The stacks in a MiniStack of the tests' own; waits are cut short."""

    endpoint: aws.Endpoint
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        return aws.client(self.endpoint, service)

    @cached_property
    def functions(self) -> dict[str, str]:
        """The construct's name, `StageMesh` for example → the function's ARN."""
        found = {}
        for stack in STACKS:
            pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
            for resource in (each for page in pages for each in page["StackResourceSummaries"]):
                if resource["ResourceType"] == "AWS::Lambda::Function":
                    name = resource["LogicalResourceId"].partition("Function")[0]
                    configuration = self.client("lambda").get_function_configuration(
                        FunctionName=resource["PhysicalResourceId"]
                    )
                    found[f"{stack.removeprefix('Canario')}.{name}"] = configuration["FunctionArn"]
        return found


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    directory = tmp_path_factory.mktemp("lab")
    endpoint = aws.up(directory, wait_scale=0.02)
    try:
        outputs = aws.deploy(endpoint, context=context())
        yield Deployed(endpoint, outputs)
    finally:
        aws.down(endpoint)


def context() -> dict[str, str]:
    pem = trustme.CA().cert_pem.bytes()
    return {
        "cluster_name": "nowhere",
        "cluster_endpoint": "https://127.0.0.1:1",  # nobody listens there
        "cluster_ca": base64.b64encode(pem).decode(),
        "dialects": "appmesh",
        "function_environment": json.dumps({"NO_PROXY": "127.0.0.1"}),
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
    }


@dataclass(frozen=True)
class Execution:
    """An execution that has ended, and the calls of the stand-in functions in order."""

    status: str
    output: Any
    error: str
    cause: str
    calls: list[dict[str, Any]]
    history: list[dict[str, Any]]

    @property
    def names(self) -> list[str]:
        return [call["name"] for call in self.calls]

    @property
    def states(self) -> list[str]:
        """The states entered, in order."""
        details = [event.get("stateEnteredEventDetails") for event in self.history]
        return [detail["name"] for detail in details if detail]


@dataclass(frozen=True)
class Machines:
    """Both machines as deployed, but on stand-in functions."""

    deployed: Deployed
    workshop: str
    canary: str
    ledgers: Path

    def run_workshop(self, steps: Mapping[str, Any], *, until: str = "clean", **more: str) -> Execution:
        """Run a workshop to its end; `steps`: what each function does, call by call; `more` of its input."""
        script = self._script(steps)
        return self._run(self.workshop, {"workshop": "turma-01", "until": until, "script": script, **more}, script)

    def run_canary(self, steps: Mapping[str, Any]) -> Execution:
        script = self._script(steps)
        return self._run(self.canary, {"rollout": "r", "target": {}, "plan": {"script": script}}, script)

    def _script(self, steps: Mapping[str, Any]) -> dict[str, Any]:
        return {"ledger": str(self.ledgers / f"{uuid4().hex}.ndjson"), "steps": steps}

    def _run(self, machine: str, content: Mapping[str, Any], script: Mapping[str, Any]) -> Execution:
        client, name = self.deployed.client("stepfunctions"), f"run-{uuid4().hex[:8]}"
        started = client.start_execution(stateMachineArn=machine, name=name, input=json.dumps(content))
        found = wait(client, started["executionArn"])
        history = client.get_execution_history(executionArn=started["executionArn"], maxResults=1000)["events"]
        ledger = Path(script["ledger"])
        calls = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
        output = json.loads(found.get("output") or "null")
        return Execution(found["status"], output, found.get("error", ""), found.get("cause", ""), calls, history)


def wait(client: Any, execution: str, seconds: float = 60) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.describe_execution(executionArn=execution)
        if found["status"] in ENDED:
            return found
        assert time.monotonic() < deadline, f"still running: {found}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def machines(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Machines:
    client = deployed.client("stepfunctions")
    definitions = {
        name: client.describe_state_machine(stateMachineArn=deployed.outputs[f"{name}MachineArn"])
        for name in ("Workshop", "Canary")
    }
    texts = {name: found["definition"] for name, found in definitions.items()}
    for name, arn in deployed.functions.items():
        standin = create_standin(deployed, name)
        texts = {machine: text.replace(arn, standin) for machine, text in texts.items()}
    role = definitions["Canary"]["roleArn"]
    canary = client.create_state_machine(name="canary-on-standins", definition=texts["Canary"], roleArn=role)
    nested = texts["Workshop"].replace(deployed.outputs["CanaryMachineArn"], canary["stateMachineArn"])
    workshop = client.create_state_machine(name="workshop-on-standins", definition=nested, roleArn=role)
    ledgers = tmp_path_factory.mktemp("ledgers")
    return Machines(deployed, workshop["stateMachineArn"], canary["stateMachineArn"], ledgers)


def create_standin(deployed: Deployed, name: str) -> str:
    """A stand-in for `Workshop.StageMesh`, say; `STANDIN` is how it is called in scripts and ledgers."""
    stack, _, own = name.partition(".")
    if own.startswith("Stage"):
        called = own.removeprefix("Stage").lower()  # after its action: "solve mesh"
    elif stack == "Canary":
        called = "Begin rollout" if own == "Begin" else ""  # its action says it all: "Observe"
    else:
        called = f"{own} workshop"
    created = deployed.client("lambda").create_function(
        FunctionName=f"standin-{stack}-{own}",
        Runtime="python3.13",
        Handler="standin.handler",
        Role="arn:aws:iam::000000000000:role/standin",
        Code={"ZipFile": zipped()},
        Timeout=20,
        Environment={"Variables": {"STANDIN": called}},
    )
    return str(created["FunctionArn"])


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(Path(__file__).with_name("standin.py"), "standin.py")
    return buffer.getvalue()
