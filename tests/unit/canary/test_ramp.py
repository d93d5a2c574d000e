"""How far the share may rise: by the worst that the canary may still be."""

import math
from dataclasses import replace

import pytest

from canario.canary import Plan, Rollout, Step, decide, start
from canario.canary.ramp import share_limit, worst_rate
from tests.unit.canary.world import steady, watched, window

LIMITS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.999)
RATIOS = (2, 3, 5, 8, 13, 20, 40, 100, 300, 1000)


@pytest.mark.parametrize(("served", "failed"), [(1, 0), (1, 1), (10, 0), (60, 0), (60, 2), (300, 1), (5000, 0)])
def test_worst_rate(served: int, failed: int) -> None:
    """Where the baseline never fails: the largest rate that is not yet rejected at 10 %."""
    _, decision = decide(watched(errors=0), window(1, 0.01, (served, failed), (5000, 0)))

    assert worst_by_rate(served, failed) == decision.evidence["worst_rate"]


@pytest.mark.parametrize("failed", [2, 12, 60, 120])
def test_worst_ratio(failed: int) -> None:
    """Where the baseline fails: its rate times the largest ratio not yet rejected at 10 %, if that is less."""
    _, decision = decide(watched(errors=failed), window(1, 0.01, (10, 0), (990, failed)))

    assert worst_by_ratio(failed) < 1
    smoothed = (1.98 * failed + 1) / (0.98 * 6000 + 990 + 1000)
    surge = max(1, (failed - 2 * math.sqrt(failed)) / 990 / smoothed)
    expected = min(1.0, surge * min(worst_by_ratio(failed), worst_by_rate(10, 0)))
    assert pytest.approx(expected) == decision.evidence["worst_rate"]


def test_an_incident_counts_for_the_budget() -> None:
    """While the baseline fails ten times as much, what the canary is worse by may be ten times as much too."""
    rollout, _ = decide(watched(requests=60_000, errors=120), window(1, 0.01, (600, 0), (59_400, 120)))
    usual = rollout.traffic.expected_rate(0.001)
    incident = replace(rollout, traffic=replace(rollout.traffic, surely=10 * usual))
    quiet, worse = (share_limit(each, worst_rate(each)) for each in (rollout, incident))

    assert worst_rate(incident) < 1
    assert pytest.approx(quiet / 10) == worse


def test_chance_is_no_incident() -> None:
    """One window that failed a little more than usual changes nothing."""
    rollout = watched(requests=6000, errors=12)
    counts = (10, 0), (5990, 18)
    rollout, _ = decide(rollout, window(1, rollout.share, *counts))

    assert 1 == rollout.traffic.surge(0.001)


def worst_by_rate(served: int, failed: int) -> float:
    """The bets: a twentieth and half of each limit."""

    def below(limit: float) -> float:
        odds = [f**failed * power((1 - f * limit) / (1 - limit), served - failed) for f in (0.05, 0.5)]
        return sum(odds) / 2

    left = [limit for limit in LIMITS if below(limit) < 10]
    return 1.0 if 0.999 in left else max(left, default=0.001)


def power(base: float, exponent: int) -> float:
    """`base` to the `exponent`, or infinite."""
    return math.exp(exponent * math.log(base)) if exponent * math.log(base) < 700 else math.inf


def worst_by_ratio(failed: int) -> float:
    """The bets: a ratio of 1, and the root of each limit. The canary has 1 % and no failure."""

    def below(limit: float) -> float:
        odds = [((1 + 0.01 * (limit - 1)) / (1 + 0.01 * (lower - 1))) ** failed for lower in (1, math.sqrt(limit))]
        return sum(odds) / 2

    left = [limit for limit in RATIOS if below(limit) < 10]
    rate = (0.98 * failed + failed + 1) / (0.98 * 6000 + 990 + 1000)
    return 1.0 if 1000 in left else rate * max(left, default=1)


def test_baseline_rate() -> None:
    """The baseline's rate fades slowly: a window counts 2 % less with each one that follows."""
    rollout = watched(requests=1000, errors=10)
    _, decision = decide(rollout, window(1, 0.01, (10, 0), (1000, 40)))

    assert pytest.approx((9.8 + 40) / 1980) == decision.evidence["baseline_rate"]


def test_the_share_in_force_is_what_rises() -> None:
    """Where integer weights gave the canary a little less, the share triples from what it really had."""
    rollout = watched()
    _, decision = decide(rollout, window(1, 0.9 * rollout.share, (9, 0), (5991, 12)))

    assert pytest.approx(3 * 0.9 * rollout.share) == decision.share


def test_a_little_less_in_force_is_no_fall() -> None:
    """A rollout that holds keeps the share that was decided, not the one in force."""
    rollout = watched(Plan(harm_budget=0.5), 600, 0)
    _, decision = decide(rollout, window(1, 0.9 * rollout.share, (1, 1), (599, 0)))

    assert ("hold", rollout.share) == (decision.kind, decision.share)


def proved(plan: Plan) -> tuple[Rollout, int]:
    """A rollout in which the canary is proved safe at a share of 10 %, and the number of its windows."""
    rollout, number = watched(plan, 6000, 0), 1
    while not rollout.safe:
        rollout, _ = decide(replace(rollout, share=0.1), window(number, 0.1, (600, 0), (5400, 0)))
        number += 1
    return rollout, number


def test_a_proof_stays() -> None:
    """Once proved safe, the canary rises and is promoted though the evidence for it is less again."""
    rollout, number = proved(Plan())
    kinds = []
    while rollout.outcome is None:
        served = round(6000 * rollout.share)
        rollout, decision = decide(rollout, window(number, rollout.share, (served, 5), (6000 - served, 5)))
        kinds.append((decision.kind, round(decision.share, 6)))
        number += 1

    assert [("advance", 0.9), ("promote", 1.0)] == kinds
    assert decision.evidence["safe"] < 20


def test_the_last_rise_is_from_the_share_in_force() -> None:
    """The climb to the watch, too, triples what the canary really had, and no more."""
    rollout, number = proved(Plan())
    rollout = replace(rollout, share=0.1)
    _, decision = decide(rollout, window(number, 0.09, (540, 0), (5460, 0)))

    assert pytest.approx(0.27) == decision.share


def test_windows_not_in_force_do_not_count_for_a_step() -> None:
    """A clock's step is not used up by windows in which the canary had no request, or not its share."""
    rollout = watched(Plan(steps=(Step(0.05, 2), Step(0.5, 1))))
    rollout, first = decide(rollout, window(1, 0.05, (0, 0), (6000, 12)))
    rollout, second = decide(rollout, window(2, 0.01, (60, 0), (5940, 12)))
    rollout, third = decide(rollout, window(3, 0.05, (300, 0), (5700, 12)))
    rollout, fourth = decide(rollout, window(4, 0.05, (300, 0), (5700, 12)))

    assert [0.05, 0.05, 0.05, 0.5] == [each.share for each in (first, second, third, fourth)]


def test_a_canary_above_the_tolerated_rate_stays_where_both_can_be_compared() -> None:
    """Where the canary fails more than is tolerated, more of it would prove nothing: the baseline keeps its half."""
    _, decisions = steady(Plan(alpha=1e-9, deadline_windows=30), 6000, 0.0001, 0.0015)

    assert max(each.share for each in decisions) <= 0.45


def test_short_windows_reach_the_deadline_by_number() -> None:
    """Windows shorter than the plan's count as windows."""
    rollout = start(Plan(window_seconds=3600, deadline_windows=5))
    for number in range(5):
        assert rollout.outcome is None
        rollout, _ = decide(rollout, window(number, 0, None, None))

    assert "held" == rollout.outcome


@pytest.mark.parametrize(("failed", "kind"), [(2, "advance"), (3, "hold")])
def test_no_rise_while_harm_is_likely(failed: int, kind: str) -> None:
    """With a tenth of the evidence that is enough the share waits, unless it rests on a failure or two."""
    plan = Plan(alpha=0.01 if failed == 2 else 0.001, harm_budget=1000)
    rollout = replace(watched(plan, 6000, 6), share=0.01)
    after, decision = decide(rollout, window(1, 0.01, (60, failed), (5940, 6)))

    assert after.outcome is None
    assert decision.evidence["harmful"] >= 0.1 / plan.alpha
    assert kind == decision.kind
    assert "evidence that it is worse is" in decision.reason


def test_a_rise_after_a_window_without_failures() -> None:
    """The share rises again after a window that did not speak against the canary, and the reason says both."""
    rollout = replace(watched(Plan(alpha=0.001, harm_budget=1000), 6000, 6), share=0.01)
    rollout, _ = decide(rollout, window(1, 0.01, (60, 3), (5940, 6)))
    _, decision = decide(rollout, window(2, 0.01, (60, 0), (5940, 6)))

    assert ("advance", 0.03) == (decision.kind, pytest.approx(decision.share))
    assert "though the evidence that it is worse is" in decision.reason
