"""What several ports' suites share."""

from uuid import uuid4

import boto3
import pytest

from canario.adapters import aws
from canario.canary.ports import Target


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for what outlives a test in MiniStack."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def target(name: str) -> Target:
    return Target(name, "appmesh", name, "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")


def make_table(session: boto3.Session, name: str):
    """Canario's table: string keys `pk` and `sk`, on demand."""
    aws.client(session, "dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    return aws.table(session, name)
