"""What one Envoy has asked for, got and taken; from that, what its next question is answered. Pure.

Envoy asks by REST (xDS over HTTP): each question names the version that it has. It says nothing when it refuses
what it got, but asks again with the version that it had before; that is how a refusal is known here.
Source: https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol, "REST-JSON polling subscriptions".
"""

from collections.abc import Mapping
from dataclasses import dataclass

CLUSTERS, LISTENERS, ROUTES, SECRETS = "clusters", "listeners", "routes", "secrets"

# A refused version is offered again, for what was missing may be there by now: a second later, then ever more rarely.
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0


@dataclass(frozen=True, order=True)
class Name:
    """A kind, as in Envoy's path `/v3/discovery:<kind>`, and the resource's name where Envoy asks for one."""

    kind: str
    resource: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.resource}".strip()


@dataclass(frozen=True)
class Offer:
    """What the files say now: `body` is a DiscoveryResponse as JSON."""

    version: str
    body: str


@dataclass(frozen=True)
class _Sent:
    version: str
    had: str  # the version that the question named
    at: float
    times: int

    @property
    def again_at(self) -> float:
        return self.at + min(FIRST_RETRY_SECONDS * 2.0 ** (self.times - 1), LONGEST_RETRY_SECONDS)


class Delivery:
    """Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._offers: dict[Name, Offer] = {}
        self._sent: dict[Name, _Sent] = {}
        self._taken: dict[Name, str] = {}
        self._refused: dict[Name, str] = {}

    @property
    def refused(self) -> Mapping[Name, str]:
        """The versions of what is offered that Envoy did not take."""
        return self._refused

    def put(self, offers: Mapping[Name, Offer]) -> None:
        """These are offered from now on, and nothing else."""
        self._offers = dict(offers)
        offered = {name: offer.version for name, offer in offers.items()}
        self._refused = {name: version for name, version in self._refused.items() if offered.get(name) == version}

    def answer(self, name: Name, has: str, now: float) -> Offer | None:
        """What to say to a question that names the version `has`; None: nothing yet, ask me again later."""
        offer = self._offers.get(name)
        if offer is None:
            return None
        if has == offer.version:
            self._taken[name] = has
            self._sent.pop(name, None)
            self._refused.pop(name, None)
            return None
        sent, times = self._sent.get(name), 1
        if sent and (sent.version, sent.had) == (offer.version, has):
            self._refused[name] = offer.version
            if now < sent.again_at:
                return None
            times = sent.times + 1
        if name.kind in (ROUTES, LISTENERS) and self.waits_for_clusters:
            return None
        self._sent[name] = _Sent(offer.version, has, now, times)
        return offer

    def retry_at(self, name: Name) -> float | None:
        """When a question whose answer was refused may be asked of `answer` again."""
        return self._sent[name].again_at if name in self._refused and name in self._sent else None

    @property
    def waits_for_clusters(self) -> bool:
        """Whether routes and listeners wait until Envoy has the clusters that they name."""
        clusters = Name(CLUSTERS)
        offer = self._offers.get(clusters)
        return offer is not None and offer.version not in (self._taken.get(clusters), self._refused.get(clusters))
