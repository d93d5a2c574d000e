"""How many workshops fit: what each takes at most, times their number, against what there is. Arithmetic only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from canario.workshop.application import REPLICAS, SCALED
from canario.workshop.discovery import BALANCED
from canario.workshop.gateway import REPLICAS as GATEWAY_PODS
from canario.workshop.names import SERVICES
from canario.workshop.request import STAGES, Request


class Thing(StrEnum):
    """What there can be too few of. `MEMORY` in MiB and `CPU` in thousandths, both as pods request them."""

    PODS = "pods"
    CPU = "cpu (m)"
    MEMORY = "memory (MiB)"
    BALANCERS = "load balancers"
    RECORDS = "Route 53 records"
    CLOUD_MAP_SERVICES = "Cloud Map services"
    CLOUD_MAP_INSTANCES = "Cloud Map instances"
    EXECUTIONS = "open executions"
    FUNCTIONS = "functions at once"


@dataclass(frozen=True)
class Room:
    """How many of a thing there can be, how many are in use, and who says so. `limit` None: nobody could say."""

    thing: Thing
    limit: float | None
    used: float
    source: str


@dataclass(frozen=True)
class Line:
    """One line of a preflight. `fits` is None where the limit is unknown."""

    thing: Thing
    needed: int
    room: Room

    @property
    def fits(self) -> bool | None:
        return None if self.room.limit is None else self.needed <= self.room.limit - self.room.used

    @property
    def text(self) -> str:
        """In words: what is needed and what is left."""
        if self.room.limit is None:
            return (
                f"{self.thing}: {self.needed} needed, and nobody could say how many there can be ({self.room.source})"
            )
        free = max(0, self.room.limit - self.room.used)
        return (
            f"{self.thing}: {self.needed} needed, {free:.0f} free "
            f"({self.room.used:.0f} of {self.room.limit:.0f} in use; {self.room.source})"
        )


# What a pod requests, as its manifests have it: the application, its Envoy, its X-Ray daemon.
_APPLICATION = {Thing.CPU: 50, Thing.MEMORY: 64}
_ENVOY = {Thing.CPU: 10, Thing.MEMORY: 32}
_DAEMON = {Thing.CPU: 10, Thing.MEMORY: 32}
_CONTROLLER_PODS = 2  # one, and its successor when the stage tracing tells it something


def needs(request: Request) -> Mapping[Thing, int]:
    """The most that one workshop ever takes on its way to `until`, but for functions and the shared controller."""
    reached = frozenset(STAGES[: STAGES.index(request.until) + 1])
    found: Counter[Thing] = Counter()
    if "baseline" not in reached:
        return found
    pods = _pods(reached)
    gateways = _with_surge(GATEWAY_PODS) if "gateway" in reached else 0
    found[Thing.PODS] = pods + gateways
    for each in (_APPLICATION, _ENVOY if "mesh" in reached else {}, _DAEMON if "tracing" in reached else {}):
        for thing, amount in each.items():
            found[thing] += amount * pods
    for thing, amount in _ENVOY.items():
        found[thing] += amount * gateways
    # AWS takes its time to delete a load balancer: those that the stage discovery gives up still count.
    found[Thing.BALANCERS] = len(SERVICES) + ("gateway" in reached)
    found[Thing.RECORDS] = len(SERVICES)
    if "discovery" in reached:
        discovered = (*BALANCED, *(["nodejsv2"] if "canary" in reached else []))
        found[Thing.CLOUD_MAP_SERVICES] = len(discovered)
        found[Thing.CLOUD_MAP_INSTANCES] = sum(_with_surge(SCALED[service]) for service in discovered)
    found[Thing.EXECUTIONS] = 1 + ("canary" in reached)
    return found


def preflight(requests: Sequence[Request], rooms: Iterable[Room], parallel: int) -> list[Line]:
    """What all need together, at most `parallel` of them at work at once, against the rooms; in the rooms' order.

    A workshop keeps what it has until somebody cleans it: only those that end with `clean` give it back.
    """
    total = together(requests, parallel)
    return [Line(room.thing, total[room.thing], room) for room in rooms if total[room.thing]]


def together(requests: Sequence[Request], parallel: int) -> Counter[Thing]:
    """The most of each thing at any one time."""
    staying = [each for each in requests if each.mode == "guided" or each.until != STAGES[-1]]
    passing = [each for each in requests if each not in staying]
    total: Counter[Thing] = Counter()
    for each in staying:
        total.update(needs(each))
    total.update(_largest(passing, parallel))
    if total[Thing.PODS]:
        total[Thing.PODS] += _CONTROLLER_PODS
    # One stage of each is at work at a time, and its rollout beside it.
    total[Thing.FUNCTIONS] = 2 * min(parallel, len(requests))
    return total


def _largest(requests: Sequence[Request], count: int) -> Counter[Thing]:
    """For each thing, what the `count` of them that take the most of it take."""
    each = [needs(request) for request in requests]
    return Counter(
        {thing: sum(sorted((need[thing] for need in each), reverse=True)[:count]) for need in each for thing in need}
    )


def _pods(reached: frozenset[str]) -> int:
    replicas = SCALED if "discovery" in reached else REPLICAS
    services = [*SERVICES, *(["nodejsv2"] if "canary" in reached else [])]
    return sum(_with_surge(replicas[service]) for service in services)


def _with_surge(replicas: int) -> int:
    """A rolling update keeps up to a quarter more pods for a moment, at least one a Deployment."""
    return replicas + max(1, -(-replicas // 4))
