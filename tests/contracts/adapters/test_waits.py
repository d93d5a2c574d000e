"""Guided mode's port `Waits`: the fake, and DynamoDB by moto and by MiniStack."""

import boto3
import pytest

from canario.adapters.records import WorkshopRecords
from canario.adapters.waits import WaitRecords
from canario.errors import NotWaiting
from canario.workshop.guided import Waiting, Waits
from tests.contracts.adapters.conftest import make_table
from tests.fakes import FakeWaits

WAITING = Waiting("run-1", {"workshop": "turma-01", "canary": {"alpha": 0.01}}, "token-1")


@pytest.fixture
def waits(aws_or_fake: boto3.Session | None, name: str) -> Waits:
    return WaitRecords(make_table(aws_or_fake, name)) if aws_or_fake else FakeWaits()


def test_what_waits_reads_back(waits: Waits) -> None:
    """Run, request, token and attempts come back; another stage or workshop has nothing of it."""
    waits.put("turma-01", "mesh", WAITING)

    assert WAITING == waits.get("turma-01", "mesh")
    assert (None, None) == (waits.get("turma-01", "canary"), waits.get("turma", "mesh"))


def test_attempts_are_counted_until_the_wait_begins_anew(waits: Waits) -> None:
    """Each count is one more; a new wait begins at none."""
    waits.put("turma-01", "mesh", WAITING)

    assert [1, 2] == [waits.count("turma-01", "mesh") for _ in range(2)]
    waits.put("turma-01", "mesh", WAITING)
    assert 1 == waits.count("turma-01", "mesh")


def test_what_does_not_wait_cannot_be_counted(waits: Waits) -> None:
    """An attempt at a stage that went on meanwhile makes no new entry; deleting twice is harmless."""
    waits.put("turma-01", "mesh", WAITING)
    waits.delete("turma-01", "mesh")
    waits.delete("turma-01", "mesh")

    with pytest.raises(NotWaiting, match="stage mesh of the workshop turma-01 went on"):
        waits.count("turma-01", "mesh")
    assert waits.get("turma-01", "mesh") is None


def test_who_reads_a_workshops_records_sees_no_token(session: boto3.Session, name: str) -> None:
    """Tokens are in a partition of their own."""
    table = make_table(session, name)
    WaitRecords(table).put("turma-01", "mesh", WAITING)

    assert ({}, []) == (WorkshopRecords(table).stages("turma-01"), WorkshopRecords(table).history("turma-01"))
