"""What stops and starts rollouts from outside, as deployed: rules, real functions, records; no cluster answers."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from canario.adapters.records import RolloutRecords
from canario.adapters.templates import TemplateRecords
from canario.canary.instructions import Instruction
from canario.canary.ports import Steered, Target
from canario.canary.template import parse_template
from lab import aws
from tests.lab.aws.conftest import Deployed
from tests.lab.aws.test_real_functions import invoke

NOW = datetime.now(UTC)


@pytest.fixture
def table(deployed: Deployed) -> Any:
    resource = aws.session().resource("dynamodb", endpoint_url=deployed.endpoint.url, config=aws.adapters.CONFIG)
    return resource.Table(deployed.outputs["TableName"])


def target(namespace: str) -> Target:
    return Target("w", "appmesh", namespace, "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (answer := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


def test_an_alarm_reaches_the_rollout_that_names_it(deployed: Deployed, table: Any) -> None:
    """From CloudWatch through the rule to the function, which puts the alarm's word on record before anything else."""
    name, records, client = f"r{uuid4().hex[:8]}", RolloutRecords(table), deployed.client("cloudwatch")
    records.steer(Steered(target(name), name, "arn:x", NOW, (f"{name}-5xx",)))
    client.put_metric_alarm(
        AlarmName=f"{name}-5xx",
        MetricName="Errors",
        Namespace="x",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    client.set_alarm_state(AlarmName=f"{name}-5xx", StateValue="ALARM", StateReason="too many")
    told = until(lambda: records.instructions(name))

    assert {("alarm", f"{name}-5xx", "too many")} == {(each.kind, each.by, each.reason) for each in told}


def test_a_persons_word_is_on_record(deployed: Deployed, table: Any) -> None:
    """The real function knows the running rollouts, refuses others by name, and records who said what."""
    name, records = f"r{uuid4().hex[:8]}", RolloutRecords(table)
    records.steer(Steered(target(name), name, "arn:x", NOW))
    event = {"rollout": name, "kind": "pause", "by": "arn:ana", "reason": "lunch"}
    well, answer = invoke(deployed, "Canary.Instruct", event)
    _, refused = invoke(deployed, "Canary.Instruct", {**event, "rollout": "nobody"})

    assert (well, answer["router"], answer["woken"]) == (True, f"{name}/nodejs-router", False)
    assert refused["errorType"] == "NotWaiting"
    (told,) = records.instructions(name)
    assert told == Instruction("pause", "arn:ana", told.at, "lunch")


def test_a_template_in_a_freeze_is_not_started(deployed: Deployed, table: Any) -> None:
    """The real function reads the template and says why nothing starts; without it, it says which there are."""
    name = f"t{uuid4().hex[:8]}"
    window = {"start": (NOW - timedelta(hours=1)).isoformat(), "end": (NOW + timedelta(hours=1)).isoformat()}
    given = {"name": name, "target": dict(vars(target(name))), "freeze": {"windows": [window]}}
    TemplateRecords(table).put(parse_template(given))
    _, answer = invoke(deployed, "Canary.Start", {"template": name, "by": "ana"})
    _, refused = invoke(deployed, "Canary.Start", {"template": "nobody", "by": "ana"})

    assert answer["answers"][0]["frozen"].startswith("frozen from")
    assert name in refused["errorMessage"]


def test_an_order_that_is_none_fails_by_name(deployed: Deployed) -> None:
    """The deployed machine of orders refuses an input without rollouts."""
    client = deployed.client("stepfunctions")
    started = client.start_execution(
        stateMachineArn=deployed.outputs["OrderMachineArn"], name=f"o{uuid4().hex[:8]}", input=json.dumps({})
    )
    found = until(lambda: ended(client, started["executionArn"]))

    assert (found["status"], found["error"]) == ("FAILED", "InvalidInput")


def ended(client: Any, arn: str) -> dict[str, Any] | None:
    found: dict[str, Any] = client.describe_execution(executionArn=arn)
    return found if found["status"] != "RUNNING" else None
