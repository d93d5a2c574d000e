"""The port `Zone`: the fake, and Route 53 by moto and by MiniStack."""

from uuid import uuid4

import boto3
import pytest

from canario.adapters import aws
from canario.adapters.route53 import PrivateZone
from canario.errors import RemoteError
from canario.workshop.ports import Zone
from tests.fakes import FakeZone

DOMAIN = "appmeshworkshop.hosted.local"
NODEJS = f"nodejs.{DOMAIN}"


@pytest.fixture
def zone(aws_or_fake: boto3.Session | None) -> Zone:
    return private_zone(aws_or_fake) if aws_or_fake else FakeZone()


def private_zone(session: boto3.Session) -> PrivateZone:
    client = aws.client(session, "route53")
    created = client.create_hosted_zone(Name=DOMAIN, CallerReference=str(uuid4()))
    return PrivateZone(client, created["HostedZone"]["Id"].rpartition("/")[2])


def test_records_are_names_and_targets_without_dots_at_their_ends(zone: Zone):
    """A record reads back as it was written, whether or not the names ended in a dot."""
    zone.upsert(f"{NODEJS}.", "internal-a.elb.amazonaws.com.")

    assert {NODEJS: "internal-a.elb.amazonaws.com"} == zone.records()


def test_upsert_moves_a_name(zone: Zone):
    """A name that is there already points to its new target only."""
    zone.upsert(NODEJS, "old.example")
    zone.upsert(NODEJS, "new.example")
    zone.upsert(NODEJS, "new.example")

    assert {NODEJS: "new.example"} == zone.records()


def test_deleting_a_record_leaves_the_others(zone: Zone):
    """Delete takes one name away and is harmless when repeated."""
    zone.upsert(NODEJS, "a.example")
    zone.upsert(f"crystal.{DOMAIN}", "b.example")
    zone.delete(NODEJS)
    zone.delete(NODEJS)

    assert {f"crystal.{DOMAIN}": "b.example"} == zone.records()


def test_records_follow_every_page(zone: Zone):
    """More records than Route 53 lists in one answer are all there."""
    expected = {f"s{number}.{DOMAIN}": f"t{number}.example" for number in range(120)}
    for name, target in expected.items():
        zone.upsert(name, target)

    assert expected == zone.records()


def test_a_zone_that_is_not_there_is_named(session: boto3.Session):
    """The error says what was being done, to which zone, and what Route 53 said."""
    zone = PrivateZone(aws.client(session, "route53"), "ZNOTTHERE")

    with pytest.raises(RemoteError, match=r"listing the records of the zone ZNOTTHERE: .*NoSuchHostedZone"):
        zone.records()
