"""AWS clients: one configuration, one translation of their errors.

Endpoints, region, credentials and proxies come from botocore's own chain (`AWS_ENDPOINT_URL`, …).
boto3's clients have no static types; `Any` stops at the adapters' constructors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from canario.errors import RemoteError

CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    # One endpoint that serves every API (an emulator, a VPC endpoint) has no names below its own.
    inject_host_prefix=False,
)


def client(session: boto3.Session, service: str) -> Any:
    """The session's client of a service, `"route53"` for example."""
    return session.client(service, config=CONFIG)


def table(session: boto3.Session, name: str) -> Any:
    """The DynamoDB table as boto3's resource."""
    return session.resource("dynamodb", config=CONFIG).Table(name)


def code(error: ClientError) -> str:
    """The API's own name for the error, `"ResourceNotFoundException"` for example."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Raise RemoteError, `what` and what AWS said, when a call inside fails."""
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {}).get("Message") or "no message"
        raise RemoteError(f"{what}: {error.operation_name} said {code(error)}: {said}") from error
    except BotoCoreError as error:
        raise RemoteError(f"{what}: {error}") from error
