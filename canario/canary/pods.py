"""The canary's pods, each against its others: one bad pod is named, and does not condemn the release.

All pods of a node run the same code, so one that fails more often than the others is ill, not the release. Each pod is
weighed as a canary is, with the node's other pods as its baseline; the mean of these processes over the pods is valid
while all are alike, so the chance that a pod is ever named wrongly is about the threshold's.

A pod that was named is left out until it is gone, or until it is shown to fail no longer as it did: one that a
StatefulSet replaces keeps its name. From then on it counts again, and is weighed from the beginning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, inf, log
from typing import Self

from canario.canary.bets import STEEPER, Sample, bet, log_rate, reserve, stake, worth
from canario.canary.evidence import gains
from canario.canary.guards import Guard
from canario.canary.observation import Tally

MOST_PODS = 24  # that are weighed: those that fail most
MOST_SUSPECTS = 2  # in one rollout; when more are ill it is the release


@dataclass(frozen=True)
class Pod:
    """One pod's bets, in logs, and the windows in them."""

    windows: int = 0
    bets: tuple[float, ...] = (-inf,) * len(STEEPER)


@dataclass(frozen=True)
class Ill:
    """A pod that is left out. `rate`: half of what it failed when it was named, at least twice the usual rate.

    `well`: the log of the evidence that it fails less than that, begun anew whenever it is below 0, since the pod may
    be replaced at any time. It only decides who is counted, before he is, so α and β do not rest on it.
    """

    rate: float
    well: float = 0.0

    @classmethod
    def named(cls, seen: Tally, usual: float) -> Self:
        return cls(min(0.5, max(2 * usual, seen.errors / seen.requests / 2 if seen.requests else 0.0)))

    def then(self, seen: Tally, usual: float, dispersion: float) -> "Ill":
        """One window later."""
        gain = log_rate(seen.errors, seen.requests, min(usual, self.rate / 2), self.rate) / dispersion
        return Ill(self.rate, max(0.0, self.well + gain))


Pods = Mapping[str, Pod]
LeftOut = Mapping[str, Ill]


def still_ill(before: LeftOut, seen: Mapping[str, Tally], usual: float, dispersion: float, beta: float) -> LeftOut:
    """The pods that stay left out after one more window; `usual` is the rate of a pod that is well."""
    after = {name: ill.then(seen[name], usual, dispersion) if name in seen else ill for name, ill in before.items()}
    return {name: ill for name, ill in after.items() if ill.well < log(1 / beta)}


def weigh_pods(before: Pods, guard: Guard, seen: Mapping[str, Tally], horizon: int, dispersion: float) -> Pods:
    """Add one window; pods that are gone are forgotten."""
    served = {name: each for name, each in seen.items() if each.requests}
    if len(served) < 2:
        return before
    total = sum((each for each in served.values()), Tally(0, 0))
    worst = sorted(served, key=lambda name: (-served[name].errors, name))[:MOST_PODS]
    found = {}
    for name in sorted({*worst, *(before.keys() & served.keys())}, key=lambda name: (name not in before, name)):
        pod, mine = before.get(name, Pod()), served[name]
        others = Tally(total.requests - mine.requests, total.errors - mine.errors)
        gained = gains(guard, Sample(mine, others), dispersion)[1]
        found[name] = Pod(pod.windows + 1, bet(pod.bets, stake(pod.windows, horizon), gained))
    return dict(list(found.items())[:MOST_PODS])


def worst_pod(pods: Pods, horizon: int) -> tuple[str | None, float]:
    """The pod that stands out most, and the log evidence that one does at all."""
    if len(pods) < 2:
        return None, 0.0
    found = {name: worth(each.bets, reserve(each.windows - 1, horizon)) for name, each in pods.items()}
    worst = max(found, key=lambda name: found[name])
    top = found[worst]
    return worst, top + log(sum(exp(each - top) for each in found.values()) / len(found))


def without(tally: Tally, pods: Mapping[str, Tally], left_out: tuple[str, ...]) -> Tally:
    """The node's counts without those pods."""
    gone = sum((pods[name] for name in left_out if name in pods), Tally(0, 0))
    requests = max(0, tally.requests - gone.requests)
    return Tally(requests, min(requests, max(0, tally.errors - gone.errors)))
