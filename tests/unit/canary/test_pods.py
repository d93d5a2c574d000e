"""One bad pod is named and left out; a bad release is not excused by its pods."""

import math
import random
from collections.abc import Callable

from canario.canary import Counts, Decision, Observation, Plan, Rollout, Step, Tally, decide, start
from tests.unit.canary.world import MINUTE, NOON, binomial

PLAN = Plan(steps=(Step(0.1, 30),))


def run(rate: Callable[[str], float], seed: int, *, replaced: bool) -> tuple[Rollout, list[Decision]]:
    """Four pods a node, with these failure rates for the canary's; a pod that is named is replaced by a good one."""
    generator, rollout, decisions = random.Random(seed), start(PLAN), []
    names = [f"canary-{n}" for n in range(4)]
    while rollout.outcome is None:
        pods = {name: Tally(150, binomial(generator, 150, rate(name))) for name in names}
        canary = Counts(600, sum(pod.errors for pod in pods.values()), pods=pods)
        baseline = Counts(5400, binomial(generator, 5400, 0.002))
        at = NOON + rollout.windows * MINUTE
        share = rollout.share
        rollout, decision = decide(rollout, Observation(at, at + MINUTE, share, canary if share else None, baseline))
        decisions.append(decision)
        if replaced and decision.suspect:
            names = [f"new-{name}" if name == decision.suspect else name for name in names]
    return rollout, decisions


def test_one_bad_pod() -> None:
    """A pod that fails a third of its requests is named, and replaced; the release is promoted."""
    for seed in range(8):
        rollout, decisions = run(lambda name: 0.33 if name == "canary-2" else 0.002, seed, replaced=True)
        named = [each for each in decisions if each.suspect]

        assert "promoted" == rollout.outcome
        assert ["canary-2"] == [each.suspect for each in named]
        assert "hold" == named[0].kind
        assert "Pod canary-2 of the canary fails more than its other pods and should be replaced" in named[0].reason
        assert "canary-2" == named[0].to_dict()["suspect"]
        assert ("canary-2",) == rollout.suspects


def test_a_pod_that_is_not_replaced() -> None:
    """While a bad pod is there it stays left out, and the share stays."""
    _, decisions = run(lambda name: 0.33 if name == "canary-2" else 0.002, 1, replaced=False)
    first = next(n for n, each in enumerate(decisions) if each.suspect)

    assert all("canary-2" == each.suspect for each in decisions[first:])
    assert {"hold"} == {each.kind for each in decisions[first:]}
    assert "rolled_back" not in [each.kind for each in decisions]


def test_a_bad_release() -> None:
    """A release whose pods all fail is rolled back, and no pod is blamed."""
    for seed in range(8):
        rollout, decisions = run(lambda _: 0.1, seed, replaced=True)

        assert ("rolled_back", ()) == (rollout.outcome, rollout.suspects)
        assert len(decisions) <= 4


def test_many_bad_pods() -> None:
    """When more pods are bad than a rollout may leave out, it is the release."""
    rollout, _ = run(lambda name: 0.33 if name.endswith(("0", "1", "2")) else 0.002, 1, replaced=True)

    assert "rolled_back" == rollout.outcome


def test_a_pod_replaced_under_its_name() -> None:
    """A StatefulSet's pod keeps its name when it is replaced: once it is well it counts again, and the share rises."""
    generator, rollout, decisions = random.Random(3), start(Plan(tolerated_rate=0.01)), []
    while rollout.outcome is None:
        served, named = math.ceil(6000 * rollout.share / 4), bool(rollout.suspects)
        ill = 0.002 if named else 0.5
        pods = {f"canary-{n}": Tally(served, binomial(generator, served, ill if n == 2 else 0.002)) for n in range(4)}
        canary = Counts(4 * served, sum(pod.errors for pod in pods.values()), pods=pods) if served else None
        baseline = Counts(6000 - 4 * served, binomial(generator, 6000 - 4 * served, 0.002))
        at = NOON + rollout.windows * MINUTE
        share = 4 * served / 6000
        rollout, decision = decide(rollout, Observation(at, at + MINUTE, share, canary, baseline))
        decisions.append(decision)

    named = [n for n, each in enumerate(decisions) if each.suspect]
    assert ("promoted", {}, ("canary-2",)) == (rollout.outcome, rollout.left_out, rollout.suspects)
    assert len(named) <= 4
    assert "advance" == decisions[named[-1] + 1].kind


def test_a_pod_that_is_ill_again() -> None:
    """One that counts again and is ill again is named again; the third time it is the release."""
    generator, rollout, since = random.Random(5), start(PLAN), 0
    while rollout.outcome is None:
        since = since + 1 if rollout.left_out else 0
        rate = 0.33 if since < 2 else 0.002  # well as soon as it has been replaced, and ill once it counts
        pods = {f"canary-{n}": Tally(150, binomial(generator, 150, rate if n == 2 else 0.002)) for n in range(4)}
        canary = Counts(600, sum(pod.errors for pod in pods.values()), pods=pods) if rollout.share else None
        at = NOON + rollout.windows * MINUTE
        rollout, _ = decide(rollout, Observation(at, at + MINUTE, rollout.share, canary, Counts(5400, 11)))

    assert ("rolled_back", ("canary-2", "canary-2")) == (rollout.outcome, rollout.suspects)
