"""The port `Events` on EventBridge, by moto and by MiniStack: what was put is what a rule's target gets."""

import json
import math

import boto3
import pytest

from canario.adapters import aws
from canario.adapters.events import Bus
from canario.errors import RemoteError


def test_an_event_arrives_with_source_kind_and_detail(session: boto3.Session, name: str):
    """A rule that asks for Canario's events of a kind delivers the event with its whole detail."""
    events, queues = aws.client(session, "events"), aws.client(session, "sqs")
    queue = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name=name)
    pattern = json.dumps({"source": ["canario"], "detail-type": ["StagePassed"]})
    events.put_rule(Name=name, EventBusName=name, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": arn}])
    detail = {"workshop": "turma-01", "stage": "mesh", "seconds": 0.25}
    Bus(events, name).put("StagePassed", detail)

    received = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert [detail] == [json.loads(message["Body"])["detail"] for message in received]


class RefusingClient:
    """EventBridge taking the call and refusing the event."""

    def put_events(self, **_: object):
        entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
        return {"FailedEntryCount": 1, "Entries": [entry]}


def test_an_event_that_is_refused_is_an_error():
    """A success with a failed entry inside is a failure, and says which event, which bus and why."""
    with pytest.raises(RemoteError, match="event StagePassed on the bus b: InternalFailure: try again"):
        Bus(RefusingClient(), "b").put("StagePassed", {})


def test_a_detail_that_is_no_json_is_refused():
    """Not-a-number would reach the bus as text that no consumer can read."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        Bus(RefusingClient(), "b").put("RolloutDecided", {"E": math.inf})
