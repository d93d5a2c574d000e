"""The grid: services, and what happens to a canary of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Truth = Literal["null", "approximate", "tolerated", "small", "bad", "turning", "pod"]
TOLERATED = 0.001  # τ of the default plan
OFTEN, SELDOM = 0.9, 0.002  # the largest failure rate; the part of the requests slower than the edge, as usual
Ratio = Callable[[int], float]  # minute → canary's failure rate ÷ baseline's


@dataclass(frozen=True)
class Service:
    """What its team knows of it: requests a minute, and the usual failure rate."""

    requests: int
    rate: float

    @property
    def name(self) -> str:
        return f"{self.requests} rpm {100 * self.rate:g} %"


@dataclass(frozen=True)
class Scenario:
    """One service and what happens. All noises are means of 1 with the variance given, drawn anew each minute."""

    service: Service
    what: str
    truth: Truth
    ratio: Ratio = lambda minute: 1.0
    incident: tuple[int, int, float] | None = None  # from minute, to minute, × both nodes' rates
    diurnal: float = 0.0  # traffic and rate swing by this part, once in 24 hours
    shared_noise: float = 0.0  # of both nodes' rates together
    node_noise: float = 0.0  # of each node's rate for itself; by pods, each pod's is so many times larger
    cluster: int = 1  # failures come in clusters of this size that are routed together
    missing: float = 0.0  # the chance that a minute has no data
    late: float = 0.0  # the chance that a minute is read when only half of it has arrived
    slow: tuple[float, float] | None = None  # the parts of canary's and baseline's requests over the latency edge
    pods: int = 0  # of each node, where they are counted one by one; noise of a node and clusters are then its pods'
    bad_pod: float = 0.0  # the failure rate of one of the canary's pods, which is its host's fault

    @property
    def name(self) -> str:
        return f"{self.service.name}: {self.what}"

    def traffic(self, minute: int) -> float:
        return self.service.requests * (1 + self.diurnal * _swing(minute))

    def rates(self, minute: int) -> tuple[float, float]:
        """The failure rates of canary and baseline, before noise."""
        rate = self.service.rate * (1 + self.diurnal * _swing(minute))
        if self.incident and self.incident[0] <= minute < self.incident[1]:
            rate *= self.incident[2]
        return min(rate * self.ratio(minute), OFTEN), min(rate, OFTEN)


def _swing(minute: int) -> float:
    """A triangle from 0 to 1 to −1 and back in 1,440 minutes; it begins to rise."""
    phase = (minute % 1440) / 360
    return phase if phase < 1 else 2 - phase if phase < 3 else phase - 4


SERVICES = (
    Service(30, 0.01),
    Service(60, 0.05),
    Service(600, 0.001),
    Service(600, 0.01),
    Service(6000, 0.0001),
    Service(6000, 0.002),
    Service(6000, 0.01),
    Service(60000, 0.0001),
    Service(60000, 0.005),
)
SOME = (Service(600, 0.01), Service(6000, 0.002), Service(60000, 0.005))
PODS = 10
RATIOS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0, 1000.0)


def grid() -> list[Scenario]:
    """Every scenario. `truth`: see docs/bench.md."""
    found = [each for service in SERVICES for each in _everywhere(service)]
    return found + [each for service in SOME for each in _somewhere(service)]


def _everywhere(service: Service) -> list[Scenario]:
    found = [
        Scenario(service, "healthy", "null"),
        Scenario(service, "shared incident ×6", "null", incident=(5, 20, 6.0)),
    ]
    for ratio in RATIOS:
        if service.rate * ratio <= OFTEN:
            truth: Truth = "tolerated" if service.rate * ratio <= TOLERATED else "bad" if ratio >= 2 else "small"
            found.append(Scenario(service, f"ratio {ratio:g}", truth, ratio=lambda _, r=ratio: r))
    return found


def _somewhere(service: Service) -> list[Scenario]:
    late_onset: Ratio = lambda minute: 5.0 if minute >= 6 else 1.0  # noqa: E731
    leak: Ratio = lambda minute: 1 + 9 * min(minute / 30, 1)  # noqa: E731
    return [
        Scenario(service, "diurnal", "null", diurnal=0.6),
        Scenario(service, "overdispersed together", "null", shared_noise=0.5),
        Scenario(service, "minutes missing", "null", missing=0.2),
        Scenario(service, "minutes late", "null", late=0.2),
        Scenario(service, "latency as usual", "null", slow=(SELDOM, SELDOM)),
        Scenario(service, "noise of one node", "approximate", node_noise=0.05, pods=PODS),
        Scenario(service, "clusters of 5", "approximate", cluster=5, pods=PODS),
        Scenario(service, "late onset ×5 at 6 min", "turning", ratio=late_onset),
        Scenario(service, "slow leak to ×10 in 30 min", "turning", ratio=leak),
        Scenario(service, "ratio 5, minutes missing", "bad", ratio=lambda _: 5.0, missing=0.2),
        Scenario(service, "ratio 5 in a shared incident", "bad", ratio=lambda _: 5.0, incident=(5, 20, 6.0)),
        Scenario(service, "latency only ×10", "bad", slow=(10 * SELDOM, SELDOM)),
        Scenario(service, "one bad pod of ten", "pod", pods=PODS, bad_pod=min(OFTEN, 20 * service.rate)),
    ]
