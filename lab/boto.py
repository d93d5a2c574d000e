"""Clients of the lab's AWS for the lab's own parts, which are told its endpoint."""

from typing import Any

import boto3
from botocore.config import Config

from canario.adapters.aws import CONFIG
from lab.state import REGION


def client(endpoint: str, service: str, **options: Any) -> Any:
    """A client of `service` at `endpoint`, and of nothing else. `options` are botocore's Config."""
    # MiniStack takes any credentials; naming them here keeps a person's own out of it.
    session = boto3.Session("test", "test", region_name=REGION)
    config = CONFIG.merge(Config(proxies={}, **options))
    return session.client(service, endpoint_url=endpoint, config=config)
