"""The canary's pods, each against its others: one bad pod is named, and does not condemn the release.

All pods of a node run the same code, so one that fails more often than the others is ill, not the release. Each pod is
weighed as a canary is, with the node's other pods as its baseline; the mean of these processes over the pods is valid
while all are alike, so the chance that a pod is ever named wrongly is about the threshold's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, inf, log

from canario.canary.bets import STEEPER, Sample, bet, reserve, stake, worth
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


Pods = Mapping[str, Pod]


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
