"""Whether a workshop's traffic stopped while a stage worked: by what the stage asked itself, and by the telemetry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from canario.canary.ports import NodeCounts, Target
from canario.errors import RemoteError
from canario.workshop.application import url
from canario.workshop.mesh import router_name
from canario.workshop.names import deployment
from canario.workshop.ports import Ports
from canario.workshop.request import Request

QUESTIONS = 10  # at each attempt of a stage


@dataclass(frozen=True)
class Asked:
    """The stage's own requests to the frontend, which calls every other service for each."""

    asked: int = 0
    failed: int = 0
    said: str = ""  # what the last failure was

    def __add__(self, other: "Asked") -> "Asked":
        return Asked(self.asked + other.asked, self.failed + other.failed, other.said or self.said)


def ask(request: Request, ports: Ports, count: int = QUESTIONS) -> Asked:
    """Send the frontend requests, one after the other, as a client in the VPC."""
    total = Asked()
    for _ in range(count):
        try:
            answer = ports.http.get(url(request.names, "frontend"))
        except RemoteError as error:
            total += Asked(1, 1, str(error))
        else:
            good = answer.status == 200
            total += Asked(1, 0 if good else 1, "" if good else f"{answer.status}: {answer.body[:200]}")
    return total


def counted(
    request: Request, ports: Ports, services: Iterable[str], since: datetime
) -> dict[str, Sequence[NodeCounts]]:
    """service → the whole windows from `since` on in which its node had traffic, as its callers' proxies saw it."""
    window = timedelta(seconds=request.canary.window_seconds)
    start, end = _aligned(since, window) + window, _aligned(ports.now, window)
    return {
        service: ports.metrics.read(_target(request, service), deployment(service), start, end, window.seconds, ())
        for service in services
    }


def _aligned(moment: datetime, window: timedelta) -> datetime:
    seconds = int(moment.timestamp()) // window.seconds * window.seconds
    return datetime.fromtimestamp(seconds, UTC)


def _target(request: Request, service: str) -> Target:
    """The service's telemetry; no canary is looked at."""
    return Target(
        workshop=request.workshop,
        mesh=request.mesh,
        namespace=request.names.namespace,
        router=router_name(service),
        service=service,
        baseline=deployment(service),
        canary="",
    )
