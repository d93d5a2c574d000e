"""The workshop's port `Records`: the fake, and DynamoDB by moto and by MiniStack."""

from datetime import datetime, timedelta, timezone

import boto3
import pytest

from canario.adapters import aws
from canario.adapters.records import WorkshopRecords
from canario.errors import RemoteError
from canario.workshop.ports import Records
from tests.contracts.adapters.conftest import make_table
from tests.fakes import NOW, FakeWorkshopRecords

LATER = NOW + timedelta(seconds=1.5)


@pytest.fixture
def records(aws_or_fake: boto3.Session | None, name: str) -> Records:
    return WorkshopRecords(make_table(aws_or_fake, name)) if aws_or_fake else FakeWorkshopRecords()


def test_a_stage_reads_back_without_loss(records: Records):
    """Text, floats of any size, whole numbers, nesting and nothing come back as they went in."""
    body = {
        "status": "passed",
        "seconds": 0.1,
        "checks": [{"measured": {"evidence": 1.5e300, "tiny": 5e-324, "count": 2**60, "none": None}}],
    }
    records.put_stage("turma-01", "run-1", "mesh", body, NOW)

    expected = {**body, "run": "run-1", "stage": "mesh", "at": records.stages("turma-01")["mesh"]["at"]}
    assert {"mesh": expected} == records.stages("turma-01")


def test_a_record_says_when_and_in_which_run_it_was_made(records: Records):
    """The time comes back as the same moment, whatever zone it was given in."""
    records.put_stage("turma-01", "run-1", "mesh", {}, NOW.astimezone(timezone(timedelta(hours=-3))))
    record = records.stages("turma-01")["mesh"]

    assert (NOW, "run-1", "mesh") == (datetime.fromisoformat(record["at"]), record["run"], record["stage"])


def test_the_last_record_of_a_stage_is_current_and_the_history_has_both(records: Records):
    """Writing a stage again replaces the current record only."""
    records.put_stage("turma-01", "run-1", "mesh", {"status": "failed"}, NOW)
    records.put_stage("turma-01", "run-2", "mesh", {"status": "passed"}, LATER)

    assert ["passed"] == [stage["status"] for stage in records.stages("turma-01").values()]
    assert ["failed", "passed"] == [record["status"] for record in records.history("turma-01")]


def test_two_records_of_one_moment_are_both_kept(records: Records):
    """Two stages, or two states of one stage, that were recorded at the same time are all in the history."""
    records.put_stage("turma-01", "run-1", "mesh", {"status": "failed"}, NOW)
    records.put_stage("turma-01", "run-1", "mesh", {"status": "passed"}, NOW)
    records.put_stage("turma-01", "run-1", "canary", {"status": "passed"}, NOW)

    history = records.history("turma-01")
    assert [("canary", "passed"), ("mesh", "failed"), ("mesh", "passed")] == sorted(
        (record["stage"], record["status"]) for record in history
    )


def test_workshops_are_apart(records: Records):
    """One workshop's records are not another's, also when one id begins with the other."""
    records.put_stage("turma", "run-1", "mesh", {"status": "passed"}, NOW)

    assert ({}, []) == (records.stages("turma-01"), records.history("turma-01"))


def test_forget_keeps_the_history(records: Records):
    """After `forget` no stage is current; the history is whole, and forgetting twice is harmless."""
    for number in range(30):
        records.put_stage("turma-01", "run-1", f"stage-{number}", {"status": "passed"}, NOW)
    records.forget("turma-01")
    records.forget("turma-01")

    assert ({}, 30) == (records.stages("turma-01"), len(records.history("turma-01")))


def test_history_follows_every_page(records: Records):
    """More than DynamoDB's megabyte of history is read to its end."""
    for number in range(6):
        body = {"number": number, "text": "x" * 250_000}
        records.put_stage("turma-01", "run-1", "mesh", body, NOW + timedelta(seconds=number))

    assert list(range(6)) == [record["number"] for record in records.history("turma-01")]


def test_a_table_that_is_not_there_is_named(session: boto3.Session, name: str):
    """The error says what was being recorded, where, and what DynamoDB said."""
    records = WorkshopRecords(aws.table(session, name))

    with pytest.raises(RemoteError, match=f"recording the stage mesh of the workshop turma-01 in {name}: "):
        records.put_stage("turma-01", "run-1", "mesh", {}, NOW)
