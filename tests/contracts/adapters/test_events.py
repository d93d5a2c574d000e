"""The port `Events` on EventBridge, by moto and by MiniStack: what was put is what a rule's target gets."""

import json

import boto3

from canario.adapters import aws
from canario.adapters.events import Bus


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
