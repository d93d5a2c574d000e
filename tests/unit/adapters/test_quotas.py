"""The account's quotas: read by name where they may be read, AWS's defaults where not."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.stub import Stubber

from canario.adapters.quotas import DEFAULT, QUOTAS, READ, rooms
from canario.workshop.capacity import Room, Thing


class Session:
    """Clients with canned answers, in order; a service without any refuses."""

    def __init__(self, **answers: list[tuple[str, dict[str, Any]]]) -> None:
        self.clients: dict[str, Any] = {}
        real = boto3.Session("test", "test", region_name="us-west-1")
        for service in ("service-quotas", "elbv2"):
            client = real.client(service)
            stub = Stubber(client)
            for method, answer in answers.get(service.replace("-", "_"), []):
                stub.add_response(method, answer)
            if service.replace("-", "_") not in answers:
                for _ in QUOTAS:
                    method = "list_service_quotas" if service == "service-quotas" else "describe_load_balancers"
                    stub.add_client_error(method, "AccessDeniedException", "not yours")
            stub.activate()
            self.clients[service] = client

    def client(self, service: str, config: object) -> Any:
        return self.clients[service]


def quota(name: str, value: float) -> tuple[str, dict[str, Any]]:
    return "list_service_quotas", {
        "Quotas": [{"QuotaName": "Others", "Value": 1.0}, {"QuotaName": name, "Value": value}]
    }


def test_a_quota_is_found_by_its_name() -> None:
    """The account's own value counts, and only network load balancers are in use of it."""
    kinds = [{"Type": "network"}, {"Type": "application"}, {"Type": "network"}]
    answers = [quota(each.name.upper(), 7) for each in QUOTAS.values()]
    session = Session(service_quotas=answers, elbv2=[("describe_load_balancers", {"LoadBalancers": kinds})])
    found = {room.thing: room for room in rooms(session, {})}  # type: ignore[arg-type]

    assert Room(Thing.BALANCERS, 7, 2, READ) == found[Thing.BALANCERS]
    assert {7.0} == {room.limit for room in found.values()}


def test_what_may_not_be_read_is_awss_default() -> None:
    """No line is missing for want of a permission, and each says what it is worth."""
    found = {room.thing: room for room in rooms(Session(), {})}  # type: ignore[arg-type]

    assert {thing: each.default for thing, each in QUOTAS.items()} == {t: room.limit for t, room in found.items()}
    assert f"{DEFAULT}; what is in use could not be read" == found[Thing.BALANCERS].source


def test_what_the_installation_limits_itself_is_not_asked() -> None:
    """A cluster that says how many load balancers it has is believed; what it only counts is held to the quota."""
    seen = {
        Thing.BALANCERS: Room(Thing.BALANCERS, 254, 1, "the lab"),
        Thing.RECORDS: Room(Thing.RECORDS, None, 12, "the zone"),
    }
    found = {room.thing: room for room in rooms(Session(), seen)}  # type: ignore[arg-type]

    assert Thing.BALANCERS not in found
    assert Room(Thing.RECORDS, 10_000, 12, DEFAULT) == found[Thing.RECORDS]
