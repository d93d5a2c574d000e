"""The port `Lifetimes`: the fake, and DynamoDB by moto and by MiniStack."""

from dataclasses import replace
from datetime import timedelta

import boto3
import pytest

from canario.adapters.lifetimes import LifetimeRecords
from canario.errors import Conflict
from canario.workshop.ports import Lifetime, Lifetimes
from tests.contracts.adapters.conftest import make_table
from tests.fakes import NOW
from tests.fakes.lifetimes import FakeLifetimes

LIFE = Lifetime("turma-01", "appmesh", "run-1", NOW + timedelta(hours=2, microseconds=5))


@pytest.fixture
def lifetimes(aws_or_fake: boto3.Session | None, name: str) -> Lifetimes:
    return LifetimeRecords(make_table(aws_or_fake, name)) if aws_or_fake else FakeLifetimes()


def test_a_lifetime_reads_back(lifetimes: Lifetimes):
    """To the microsecond; there is none before."""
    assert lifetimes.get("turma-01") is None
    lifetimes.put(LIFE, None)

    assert lifetimes.get("turma-01") == LIFE


def test_of_two_writers_one_wins(lifetimes: Lifetimes):
    """Whoever has not seen what is there is told, and changes nothing."""
    lifetimes.put(LIFE, None)
    longer = replace(LIFE, expires=NOW + timedelta(days=1))
    lifetimes.put(longer, LIFE)

    for seen in (LIFE, None):
        with pytest.raises(Conflict):
            lifetimes.put(replace(LIFE, expired=True), seen)
    assert lifetimes.get("turma-01") == longer


def test_every_workshop_is_listed(lifetimes: Lifetimes):
    """More of them than a page of answers has."""
    many = [replace(LIFE, workshop=f"w-{number:03}", run="r" * 30_000) for number in range(40)]
    for each in many:
        lifetimes.put(each, None)

    assert list(lifetimes.all()) == many


def test_deleting_twice_is_harmless(lifetimes: Lifetimes):
    """Then there is none, and a new one can begin."""
    lifetimes.put(LIFE, None)
    for _ in range(2):
        lifetimes.delete("turma-01")

    assert lifetimes.get("turma-01") is None
    lifetimes.put(LIFE, None)
