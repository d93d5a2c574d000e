"""The deployed functions' own code, run by MiniStack; their cluster does not answer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from canario.workshop.request import parse_request
from lab import aws
from tests.lab.aws.conftest import Deployed, wait

LONG_AGO = "2026-01-01T00:00:00.000Z"
# What Lambda's Python runtimes bring along, and nothing else of this environment.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")


def invoke(deployed: Deployed, function: str, payload: dict[str, Any]) -> tuple[bool, Any]:
    """Whether it ended well, and what it answered."""
    answer = deployed.client("lambda").invoke(
        FunctionName=deployed.functions[function], Payload=json.dumps(payload).encode()
    )
    return "FunctionError" not in answer, json.loads(answer["Payload"].read())


def stage_event(action: str, workshop: str) -> dict[str, Any]:
    request = parse_request({"workshop": workshop}, dialects=("appmesh",)).to_dict()
    return {"action": action, "request": request, "run": "r1", "entered": LONG_AGO}


def test_preflight_names_every_check_that_does_not_hold(deployed: Deployed) -> None:
    """The real stage function raises CheckFailed under that name, with each failing check and its cause."""
    ended_well, answer = invoke(deployed, "Workshop.StagePreflight", stage_event("check", "t1"))

    assert (ended_well, answer["errorType"]) == (False, "CheckFailed")
    assert "cluster error" in answer["errorMessage"]
    assert "https://127.0.0.1:1" in answer["errorMessage"]
    assert "dialect" not in answer["errorMessage"].replace("the dialect", "")


def test_what_failed_is_on_record_and_on_the_bus(deployed: Deployed) -> None:
    """A failed check leaves the stage's record in the table."""
    invoke(deployed, "Workshop.StagePreflight", stage_event("check", "t2"))

    table = deployed.outputs["TableName"]
    found = deployed.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk AND sk = :sk",
        ExpressionAttributeValues={":pk": {"S": "workshop#t2"}, ":sk": {"S": "stage#preflight"}},
    )
    record = json.loads(found["Items"][0]["body"]["S"])
    assert record["status"] == "failed"
    assert {check["name"]: check["status"] for check in record["checks"]}["dialect"] == "passed"


def test_bad_input_is_one_clear_line(deployed: Deployed) -> None:
    """The whole deployed machine refuses an unknown stage at Begin, and says which are allowed."""
    client = deployed.client("stepfunctions")
    started = client.start_execution(
        stateMachineArn=deployed.outputs["WorkshopMachineArn"],
        name=f"bad-{uuid4().hex[:8]}",
        input=json.dumps({"workshop": "turma-01", "until": "lunch"}),
    )
    found = wait(client, started["executionArn"])

    assert (found["status"], found["error"]) == ("FAILED", "InvalidInput")
    assert found["cause"].startswith("until: 'lunch' is not allowed; allowed: preflight, baseline")
    assert "\n" not in found["cause"]


def test_a_malformed_plan_is_refused_by_the_canary_machine(deployed: Deployed) -> None:
    """A plan's field that is not allowed is named; the router is not locked."""
    client = deployed.client("stepfunctions")
    target = dict.fromkeys(("workshop", "mesh", "namespace", "router", "service", "baseline", "canary"), "x")
    started = client.start_execution(
        stateMachineArn=deployed.outputs["CanaryMachineArn"],
        name=f"bad-{uuid4().hex[:8]}",
        input=json.dumps({"target": target, "plan": {"alpha": 2}}),
    )
    found = wait(client, started["executionArn"])

    assert (found["status"], found["error"]) == ("FAILED", "InvalidInput")
    assert "alpha" in found["cause"]


def test_a_router_that_cannot_be_read_is_not_kept_locked(deployed: Deployed) -> None:
    """Begin gives the lock back when it fails after taking it."""
    event = {"input": {"target": target_of("t3"), "plan": {}}, "name": "r3", "execution": "arn:r3"}
    ended_well, answer = invoke(deployed, "Canary.Begin", event)

    locks = deployed.client("dynamodb").get_item(
        TableName=deployed.outputs["TableName"], Key={"pk": {"S": "router#t3/nodejs-router"}, "sk": {"S": "lock"}}
    )
    assert (ended_well, answer["errorType"]) == (False, "RemoteError")
    assert "Item" not in locks


def target_of(namespace: str) -> dict[str, str]:
    names = {"router": "nodejs-router", "service": "nodejs", "baseline": "nodejs-app", "canary": "nodejsv2-app"}
    return {"workshop": "w", "mesh": "appmesh", "namespace": namespace, **names}


def test_the_worker_outlives_an_error(deployed: Deployed) -> None:
    """An error of the handler does not cost the next invocation a cold start, as on Lambda."""
    event = {"action": "nonsense"}
    first, second = (invoke(deployed, "Workshop.StageMesh", event)[1] for _ in range(2))

    assert (first["errorType"], second["errorType"]) == ("InvalidInput", "InvalidInput")
    log = (deployed.endpoint.directory / "logs" / "aws.log").read_text()
    assert log.count("worker spawned for CanarioWorkshop-StageMesh") == 1


def test_ministack_listens_on_loopback_only(deployed: Deployed) -> None:
    """Nothing of the lab's AWS can be reached from another machine."""
    pid = deployed.endpoint.server.pid

    assert aws._listening(pid) != []
    assert aws.listeners_beyond_loopback(pid) == []


def test_the_asset_has_everything_that_the_runtime_does_not_bring(deployed: Deployed, tmp_path: Path) -> None:
    """Every entry point can be imported with the asset and boto3 alone."""
    packages = Path(aws.boto3.__file__).parents[1]
    for name in RUNTIME:
        (tmp_path / name).symlink_to(packages / name)
    asset = next((deployed.endpoint.directory / "cdk.out").glob("asset.*/lambdas")).parent
    modules = sorted(f"lambdas.{path.stem}" for path in (asset / "lambdas").glob("*.py") if path.stem != "__init__")
    program = f"import sys, importlib; sys.path[:0] = {[str(asset), str(tmp_path)]!r}\n"
    program += f"for name in {modules!r}: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_workshops_zone_is_private(deployed: Deployed) -> None:
    """The zone that the stacks make is a private one: the lab's VPC resolves nothing else."""
    found = deployed.client("route53").get_hosted_zone(Id=deployed.outputs["ZoneId"])

    assert found["HostedZone"]["Config"]["PrivateZone"] is True
    assert len(found["VPCs"]) == 1
