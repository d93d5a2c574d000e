"""What starts rollouts and lets people speak to them: the fakes, and the adapters on moto and MiniStack."""

from collections.abc import Callable
from datetime import UTC, datetime

import boto3
import pytest

from canario.adapters import aws
from canario.adapters.controller import ControllerMetrics
from canario.adapters.rollout_executions import Running, Starting
from canario.adapters.rollout_waits import RolloutTokens
from canario.adapters.tasks import TaskTokens
from canario.adapters.templates import TemplateRecords
from canario.canary.ports import Measure, Target
from canario.canary.starting import Templates
from canario.canary.template import parse_template
from tests.contracts.adapters.conftest import make_table
from tests.fakes import NOW
from tests.fakes.rollouts import FakeTemplates

# CloudWatch forgets what is older than two weeks.
TODAY = datetime.now(UTC)
Sessions = Callable[[str], boto3.Session]
PASS = '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}'


@pytest.fixture
def ministack_session(ministack: str, aws_environment: pytest.MonkeyPatch, aws_sessions: Sessions) -> boto3.Session:
    """MiniStack alone: moto ends every token and knows no JSONata."""
    aws_environment.setenv("AWS_ENDPOINT_URL", ministack)
    return aws_sessions("ministack")


def test_templates_come_back_as_they_were_put(aws_or_fake: boto3.Session | None, name: str, target: Target):
    """The newest of a name counts; one that is not there is None."""
    templates: Templates = TemplateRecords(make_table(aws_or_fake, name)) if aws_or_fake else FakeTemplates()
    for gates in ([], [0.5]):
        templates.put(parse_template({"name": "nodejs", "target": dict(vars(target)), "gates": gates}))

    found = templates.get("nodejs")
    assert found is not None
    assert (0.5,) == found.request.gates.shares
    assert ["nodejs"] == [each.name for each in templates.all()]
    assert templates.get("crystal") is None


def test_a_rollout_that_does_not_wait_is_not_woken(ministack_session: boto3.Session, name: str):
    """Neither one that never waited nor one whose task has ended; the token stays where it is."""
    tokens = RolloutTokens(
        make_table(ministack_session, name), TaskTokens(aws.client(ministack_session, "stepfunctions"))
    )
    never = tokens.wake("r1")
    tokens.keep("r1", "a-token-of-a-task-that-is-gone")

    assert (False, False) == (never, tokens.wake("r1"))


def test_an_execution_starts_once_and_is_known_to_run(ministack_session: boto3.Session, name: str):
    """A second start of the same name is none; an ARN that nobody knows does not run."""
    client = aws.client(ministack_session, "stepfunctions")
    machine = client.create_state_machine(name=name, definition=PASS, roleArn="arn:aws:iam::000000000000:role/x")
    starting = Starting(client, machine["stateMachineArn"])

    assert (True, False) == (starting.start("r1", {"a": 1}), starting.start("r1", {"a": 2}))
    gone = f"{machine['stateMachineArn'].replace(':stateMachine:', ':execution:')}:nobody"
    assert not Running(client).is_running(gone)


def test_the_controllers_metrics_arrive(ministack_session: boto3.Session, name: str):
    """Measures are datapoints in their own namespace, with their dimensions."""
    client = aws.client(ministack_session, "cloudwatch")
    ControllerMetrics(client, name).put([Measure("Decisions", 1, "Count", {"Kind": "hold"})], TODAY)
    (found,) = client.list_metrics(Namespace=name)["Metrics"]

    assert ("Decisions", [{"Name": "Kind", "Value": "hold"}]) == (found["MetricName"], found["Dimensions"])


def test_nobody_counting_is_no_failure(caplog: pytest.LogCaptureFixture):
    """A measure that CloudWatch refuses is said in the log and raises nothing."""

    class Refusing:
        def put_metric_data(self, **arguments: object) -> None:
            raise aws.BotoCoreError

    ControllerMetrics(Refusing()).put([Measure("Decisions", 1, "Count", {})], NOW)

    assert "not put" in caplog.text
