"""AWS twice: moto inside this process, MiniStack as a child. Both are reached as production reaches AWS."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from tests.ministack import ministack as run_ministack

REGION = "us-west-1"


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of the session's one MiniStack."""
    directory: Path = tmp_path_factory.mktemp("ministack")
    with run_ministack(directory) as endpoint:
        yield endpoint


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Credentials and a region that are nobody's; no profile, endpoint or proxy of the machine's own."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return monkeypatch


@pytest.fixture(scope="session")
def aws_sessions() -> Callable[[str], boto3.Session]:
    """One session a backend: reading botocore's service models again for every test would take most of the time."""
    return cache(lambda backend: boto3.Session())


@pytest.fixture(params=["moto", "ministack"])
def session(request: pytest.FixtureRequest, aws_environment: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    """A session whose AWS is moto, then MiniStack."""
    yield from _backend(request, aws_environment)


@pytest.fixture(params=["fake", "moto", "ministack"])
def aws_or_fake(request: pytest.FixtureRequest, aws_environment: pytest.MonkeyPatch) -> Iterator[boto3.Session | None]:
    """None where the fake of `tests.fakes` is to be used, then the sessions of `session`."""
    if request.param == "fake":
        yield None
    else:
        yield from _backend(request, aws_environment)


def _backend(request: pytest.FixtureRequest, environment: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    sessions = request.getfixturevalue("aws_sessions")
    if request.param == "moto":
        with mock_aws():
            yield sessions("moto")
    else:
        environment.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("ministack"))
        yield sessions("ministack")
