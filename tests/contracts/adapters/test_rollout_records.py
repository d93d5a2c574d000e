"""The canary's port `Records`: the fake, and DynamoDB by moto and by MiniStack."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import boto3
import pytest

from canario.adapters.records import RolloutRecords
from canario.canary.instructions import Instruction
from canario.canary.ports import Lock, Records, Steered, Target
from canario.errors import AlreadyRunning
from tests.contracts.adapters.conftest import make_table
from tests.fakes import NOW, FakeRolloutRecords


@pytest.fixture
def records(aws_or_fake: boto3.Session | None, name: str) -> Records:
    return RolloutRecords(make_table(aws_or_fake, name)) if aws_or_fake else FakeRolloutRecords()


def test_a_router_has_one_rollout(records: Records, target: Target):
    """A second rollout of the same router is refused by the name of the first."""
    records.lock(target, "r1", "execution-1", NOW)

    with pytest.raises(AlreadyRunning, match=r"nodejs-router has the rollout r1 already"):
        records.lock(target, "r2", "execution-2", NOW)


def test_locking_twice_for_the_same_rollout_is_harmless(records: Records, target: Target):
    """A retried start finds its own lock and goes on."""
    records.lock(target, "r1", "execution-1", NOW)
    records.lock(target, "r1", "execution-1", NOW + timedelta(minutes=1))


def test_another_router_is_free(records: Records, target: Target):
    """The lock is the router's, not the workshop's."""
    records.lock(target, "r1", "execution-1", NOW)
    records.lock(replace(target, router="crystal-router"), "r2", "execution-2", NOW)


def test_only_the_holder_unlocks(records: Records, target: Target):
    """Unlocking for a rollout that does not hold the router changes nothing."""
    records.unlock(target, "r1")
    records.lock(target, "r1", "execution-1", NOW)
    records.unlock(target, "r2")

    with pytest.raises(AlreadyRunning):
        records.lock(target, "r2", "execution-2", NOW)


def test_an_unlocked_router_is_free(records: Records, target: Target):
    """After `unlock` the next rollout may begin."""
    records.lock(target, "r1", "execution-1", NOW)
    records.unlock(target, "r1")
    records.lock(target, "r2", "execution-2", NOW)


def test_of_rollouts_that_start_at_once_one_wins(session: boto3.Session, target: Target, name: str):
    """However many start at the same time, exactly one gets the router and the others are told."""
    table = make_table(session, name)

    def start(number: int) -> bool:
        try:
            RolloutRecords(table).lock(target, f"r{number}", f"execution-{number}", NOW)
        except AlreadyRunning:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(start, range(8)))

    assert 1 == won.count(True)


def test_the_holder_is_known(session: boto3.Session, target: Target, name: str):
    """`holder` names rollout, owner and time, so that somebody can tell a stale lock."""
    records = RolloutRecords(make_table(session, name))
    nobody = records.holder(target)
    records.lock(target, "r1", "execution-1", NOW)

    assert (None, Lock("r1", "execution-1", NOW)) == (nobody, records.holder(target))


def test_entries_come_back_in_order_without_loss(records: Records):
    """Entries are sorted by their number, whatever order they were written in, and keep their floats."""
    body = {"share": 1 / 3, "evidence": {"E": 1e200, "none": None}, "requests": 12345678901}
    records.put("r1", 10, "decision", body, NOW)
    records.put("r1", 2, "observation", {}, NOW)

    entries = records.entries("r1")
    assert [(2, "observation"), (10, "decision")] == [(entry["sequence"], entry["kind"]) for entry in entries]
    assert body == {key: entries[1][key] for key in body}
    assert [NOW, NOW] == [datetime.fromisoformat(entry["at"]) for entry in entries]


def test_writing_a_sequence_twice_keeps_the_first(records: Records):
    """A retried step cannot rewrite what was decided."""
    records.put("r1", 1, "decision", {"share": 0.1}, NOW)
    records.put("r1", 1, "decision", {"share": 0.9}, NOW + timedelta(minutes=1))

    assert [0.1] == [entry["share"] for entry in records.entries("r1")]


def test_entries_follow_every_page(records: Records):
    """More than DynamoDB's megabyte of entries is read to its end."""
    for number in range(6):
        records.put("r1", number, "observation", {"text": "x" * 250_000}, NOW)

    assert list(range(6)) == [entry["sequence"] for entry in records.entries("r1")]


def test_an_unknown_rollout_has_no_entries(records: Records):
    """What was never recorded is empty, not an error."""
    records.put("r10", 1, "decision", {}, NOW)

    assert [] == records.entries("r1")


def test_a_router_is_known_with_its_newest_rollout(records: Records, target: Target):
    """A router stays known after its rollout has ended, with the outcome; the next rollout takes its place."""
    records.steer(Steered(target, "r1", "execution-1", NOW, ("5xx",)))
    records.settle(target, "r1", "promoted")
    before = mine(records, target)
    records.steer(Steered(target, "r2", "execution-2", NOW))
    records.settle(target, "r1", "held")

    assert [Steered(target, "r1", "execution-1", NOW, ("5xx",), "promoted")] == before
    assert [Steered(target, "r2", "execution-2", NOW)] == mine(records, target)


def mine(records: Records, target: Target) -> list[Steered]:
    return [each for each in records.steered() if each.target == target]


def test_every_instruction_is_kept(records: Records, name: str):
    """Instructions come back in order of time, each once, beside the entries and not among them."""
    pause = Instruction("pause", "ana", NOW, "lunch")
    approve = Instruction("approve", "bia", NOW + timedelta(seconds=1), share=0.5)
    for each in (approve, pause, pause):
        records.instruct(name, each)

    assert [pause, approve] == records.instructions(name)
    assert [] == records.entries(name)
