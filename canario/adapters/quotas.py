"""The account's quotas, as far as the person who asks may read them; AWS's defaults where not.

Service Quotas is asked by the quotas' names, which people see in its console. Sources of the defaults: the pages
"quotas" of Elastic Load Balancing, Route 53, Cloud Map, Step Functions and Lambda, November 2026.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from canario.adapters import aws
from canario.errors import RemoteError
from canario.workshop.capacity import Room, Thing

READ, DEFAULT = "Service Quotas", "AWS's default, the account's own could not be read"


@dataclass(frozen=True)
class Quota:
    """A quota by its service's code and its own name in Service Quotas."""

    service: str
    name: str
    default: float


QUOTAS = {
    Thing.BALANCERS: Quota("elasticloadbalancing", "Network Load Balancers per Region", 50),
    Thing.RECORDS: Quota("route53", "Records per hosted zone", 10_000),
    Thing.CLOUD_MAP_INSTANCES: Quota("servicediscovery", "Instances per namespace", 2_000),
    Thing.EXECUTIONS: Quota("states", "Open executions per account", 1_000_000),
    Thing.FUNCTIONS: Quota("lambda", "Concurrent executions", 1_000),
}


def rooms(session: boto3.Session, seen: Mapping[Thing, Room]) -> list[Room]:
    """The account's room for what the installation does not limit by itself; `seen`: what the installation says."""
    wanted = [thing for thing in QUOTAS if thing not in seen or seen[thing].limit is None]
    limits = {thing: _limit(session, QUOTAS[thing]) for thing in wanted}
    return [_room(session, thing, *limits[thing], seen.get(thing)) for thing in wanted]


def _limit(session: boto3.Session, quota: Quota) -> tuple[float, str]:
    """The quota's value, and who says so."""
    try:
        with aws.doing(f"reading the quota {quota.name!r}"):
            pages = aws.client(session, "service-quotas").get_paginator("list_service_quotas")
            for page in pages.paginate(ServiceCode=quota.service):
                for each in page["Quotas"]:
                    if each["QuotaName"].lower() == quota.name.lower():
                        return float(each["Value"]), READ
    except RemoteError:
        pass
    return quota.default, DEFAULT


def _room(session: boto3.Session, thing: Thing, limit: float, source: str, seen: Room | None) -> Room:
    if seen is not None:
        return Room(thing, limit, seen.used, source)
    try:
        return Room(thing, limit, sum(1 for _ in _USED[thing](session)), source)
    except (KeyError, RemoteError):
        return Room(thing, limit, 0, f"{source}; what is in use could not be read")


def _balancers(session: boto3.Session) -> Iterator[Any]:
    with aws.doing("listing the load balancers"):
        for page in aws.client(session, "elbv2").get_paginator("describe_load_balancers").paginate():
            yield from (each for each in page["LoadBalancers"] if each["Type"] == "network")


_USED: Mapping[Thing, Callable[[boto3.Session], Iterator[Any]]] = {Thing.BALANCERS: _balancers}
