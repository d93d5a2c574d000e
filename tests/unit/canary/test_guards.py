"""Guards: each with its question, its limits, its weight; together one decision."""

import json
import math
import random
from dataclasses import replace
from typing import Any

import pytest

from canario.canary import Counts, Guard, Observation, Plan, Rollout, Step, Tally, decide, start
from canario.canary.bets import WEIGHTS, Sample
from canario.canary.evidence import Terms, gains, prepare, read, weigh
from canario.errors import InvalidInput
from tests.unit.canary.world import MINUTE, NOON, binomial

ERRORS = Guard("errors", "errors")
SLOW = Guard("latency", "latency", edges=(100.0, 400.0))
CLOCK = (Step(0.1, 20),)


def seen(number: int, share: float, canary: Counts | None, baseline: Counts | None) -> Observation:
    at = NOON + number * MINUTE
    return Observation(at, at + MINUTE, share, canary, baseline)


def begun(plan: Plan, slower: tuple[int, ...] | None = ()) -> Rollout:
    """After the window that only watches."""
    return decide(start(plan), seen(0, 0, None, Counts(6000, 12, slower)))[0]


@pytest.mark.parametrize(
    ("guards", "field"),
    [
        ([{"kind": "errors"}], "guards[0].name"),
        ([{"name": "errors"}], "guards[0].kind"),
        ([{"name": "Errors", "kind": "errors"}], "guards[0].name"),
        ([{"name": "errors", "kind": "rate"}], "guards[0].kind"),
        ([{"name": "errors", "kind": "errors", "r1": 1}], "guards[0].r1"),
        ([{"name": "errors", "kind": "errors", "weight": 0}], "guards[0].weight"),
        ([{"name": "errors", "kind": "errors", "muted": 1}], "guards[0].muted"),
        ([{"name": "errors", "kind": "errors", "edges": [100]}], "guards[0].edges"),
        ([{"name": "errors", "kind": "errors", "most": 0.1}], "guards[0].most"),
        ([{"name": "errors", "kind": "errors", "limit": 1}], "guards[0].limit"),
        ([{"name": "errors", "kind": "errors"}, {"name": "slow", "kind": "latency"}], "guards[1].edges"),
        ([{"name": "slow", "kind": "latency", "edges": [400, 100]}], "guards[0].edges"),
        ([{"name": "slow", "kind": "latency", "edges": 100}], "guards[0].edges"),
        ([{"name": "most", "kind": "limit"}], "guards[0].most"),
        ([{"name": "most", "kind": "limit", "most": 0.1, "edges": [1, 2]}], "guards[0].edges"),
        ([{"name": "errors", "kind": "errors"}] * 2, "guards[1].name"),
        ([{"name": "most", "kind": "limit", "most": 0.1}], "guards"),
        ([{"name": "errors", "kind": "errors", "muted": True}], "guards"),
        ([{"name": "slow", "kind": "latency", "edges": list(range(1, 30))}], "guards"),
        ([7], "guards[0]"),
        ("errors", "guards"),
    ],
)
def test_refused_by_name(guards: Any, field: str) -> None:
    """A guard that makes no sense is refused with its place, the value and what is allowed."""
    with pytest.raises(InvalidInput) as refusal:
        Plan.from_dict({"guards": guards})

    assert field == refusal.value.field


@pytest.mark.parametrize(("name", "value"), [("r0", 1.5), ("r1", 3), ("tolerated_rate", 0)])
def test_flat_limits_beside_guards(name: str, value: float) -> None:
    """The plan's own limits are its one guard's; beside guards nobody would read them, so they are refused."""
    with pytest.raises(InvalidInput, match=f"^{name}: "):
        Plan.from_dict({name: value, "guards": [{"name": "errors", "kind": "errors"}]})


def test_round_trip() -> None:
    """Plans with guards, and their rollouts, go through JSON without loss."""
    limit = Guard("limit", "limit", edges=(250.0,), most=0.1, muted=True)
    plan = Plan(guards=(ERRORS, SLOW, limit, Guard("faults", "faults", weight=0.5)), latency_edges=(50.0,))
    rollout, _ = decide(
        begun(plan, (600, 60, 40, 6)), seen(1, 0.1, Counts(600, 1, None), Counts(5400, 12, (5, 4, 3, 2), Tally(50, 1)))
    )

    assert (50.0, 100.0, 250.0, 400.0) == plan.edges
    assert plan == Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert rollout == Rollout.from_json(rollout.to_json())


def test_one_guard_is_the_flat_plan() -> None:
    """A plan without guards decides as one whose single guard has the plan's limits."""
    flat = Plan(r0=1.2, r1=3, tolerated_rate=0.002)
    guarded = Plan(guards=(Guard("errors", "errors", 1.2, 3, 0.002),))
    window = seen(1, 0.1, Counts(600, 3), Counts(5400, 12))
    one, other = (decide(begun(plan), window)[1] for plan in (flat, guarded))

    assert (one.kind, one.share) == (other.kind, other.share)
    assert one.evidence == {name: value for name, value in other.evidence.items() if "." not in name}
    assert {"harmful.errors", "safe.errors"} == other.evidence.keys() - one.evidence.keys()


def test_evidence_is_averaged() -> None:
    """Against the canary guards count by their weights, and a guard's edges alike: never the largest."""
    errors, slow = replace(ERRORS, weight=3.0), replace(SLOW, weight=1.0)
    plan = Plan(guards=(errors, slow), steps=CLOCK)
    _, decision = decide(begun(plan, (600, 60)), seen(1, 0.1, Counts(600, 3, (60, 15)), Counts(5400, 12, (540, 54))))
    found = decision.evidence
    edges = []
    for slower in ((60, 540), (15, 54)):
        sample = Sample(Tally(600, slower[0]), Tally(5400, slower[1]))
        edges.append(math.exp(read(slow, weigh(None, slow, sample, Terms(60, 0.1, harm=math.log(800))), 60).harmful))

    assert pytest.approx(sum(edges) / 2) == found["harmful.latency"]
    assert pytest.approx((3 * found["harmful.errors"] + found["harmful.latency"]) / 4) == found["harmful"]
    assert found["safe"] == min(found["safe.errors"], found["safe.latency"])


def test_latency_is_valid() -> None:
    """However common exceedances are, the mean against a canary like its baseline is 1: no more, and no less."""
    guard = replace(SLOW, tolerated_rate=0, edges=(100.0,))
    for failed in range(1, 12):
        total = 0.0
        for x in range(max(0, failed - 7), min(5, failed) + 1):
            chance = math.comb(5, x) * math.comb(7, failed - x) / math.comb(12, failed)
            gained = gains(guard, Sample(Tally(5, x), Tally(7, failed - x)))[0]
            total += chance * sum(w * math.exp(each) for w, each in zip(WEIGHTS, gained, strict=True))
        assert pytest.approx(1) == total


def test_a_slow_canary() -> None:
    """A canary that is slow and does not fail is rolled back by its latency, which the reason names."""
    generator, rollout = random.Random(1), begun(Plan(guards=(ERRORS, SLOW)), (600, 60))
    while rollout.outcome is None:
        n_c = round(6000 * rollout.share)
        slow = tuple(binomial(generator, n_c, p) for p in (0.3, 0.1))
        canary = Counts(n_c, 0, (max(slow), min(slow)))
        baseline = Counts(6000 - n_c, 6, ((6000 - n_c) // 10, (6000 - n_c) // 100))
        rollout, decision = decide(rollout, seen(rollout.windows, rollout.share, canary, baseline))

    assert "rolled_back" == rollout.outcome
    assert rollout.windows < 6
    assert "worse than the baseline by latency is" in decision.reason


def test_every_guard_has_to_be_proved() -> None:
    """A canary whose errors are proved is not promoted before its latency is; then it is, though at another time."""
    plan = Plan(guards=(ERRORS, replace(SLOW, edges=(1000.0,))), deadline_windows=200, steps=(Step(0.3, 1),))
    rollout, proofs = begun(plan, (3,)), []
    while rollout.outcome is None:
        counts = Counts(1800, 0, (1 if rollout.windows % 2 else 0,)), Counts(4200, 0, (3,))
        rollout, decision = decide(rollout, seen(rollout.windows, 0.3, *counts))
        proofs.append([each.proved for each in rollout.guards])

    assert "promoted" == rollout.outcome
    assert [True, False] in proofs
    assert "it is proved safe by errors and latency" in decision.reason


def test_a_muted_guard() -> None:
    """A muted guard is reckoned and reported, and decides nothing: not harm, not safety, not absence."""
    plan = Plan(guards=(ERRORS, replace(SLOW, muted=True)), steps=CLOCK)
    rollout = begun(plan, (600, 60))
    for number in range(1, 4):
        counts = Counts(600, 1, (600, 600)), Counts(5400, 11, (540, 54))
        rollout, decision = decide(rollout, seen(number, 0.1, *counts))

    assert decision.evidence["harmful.latency"] >= 100
    assert decision.evidence["harmful"] < 2
    assert decision.evidence["safe"] == decision.evidence["safe.errors"]
    _, without = decide(rollout, seen(4, 0.1, Counts(600, 1, None), Counts(5400, 11, None)))
    assert "no data" not in without.reason


LIMITED = Plan(guards=(ERRORS, Guard("most", "limit", most=0.01)), steps=CLOCK)


def test_a_limit() -> None:
    """A canary above the absolute limit is rolled back, though its ratio to the baseline is within r₀."""
    plan = replace(LIMITED, guards=(replace(ERRORS, r0=10, r1=20), LIMITED.guards[1]))
    rollout = begun(plan)
    while rollout.outcome is None:
        rollout, decision = decide(rollout, seen(rollout.windows, 0.1, Counts(600, 18), Counts(5400, 27)))

    assert "rolled_back" == rollout.outcome
    assert "by most" in decision.reason
    assert decision.evidence["harmful.errors"] < 2


def test_an_incident() -> None:
    """Where the baseline is outside the limit too, the share is frozen and nobody is blamed, as long as it lasts."""
    rollout = begun(LIMITED)
    for number in range(1, 12):
        rollout, decision = decide(rollout, seen(number, 0.1, Counts(600, 30), Counts(5400, 270)))
        assert ("hold", rollout.share) == (decision.kind, 0.1)
        assert "incident: the baseline itself is above the 1 % that the guard most allows" in decision.reason
    _, decision = decide(rollout, seen(12, 0.1, Counts(600, 1), Counts(5400, 11)))

    assert "incident" not in decision.reason


def test_a_limit_of_latency() -> None:
    """ "p90 below 100 ms" is a limit of 10 % on the edge of 100 ms."""
    plan = Plan(guards=(ERRORS, Guard("p90", "limit", edges=(100.0,), most=0.1)), steps=CLOCK)
    rollout = begun(plan, (300,))
    while rollout.outcome is None:
        rollout, decision = decide(
            rollout, seen(rollout.windows, 0.1, Counts(600, 1, (120,)), Counts(5400, 11, (270,)))
        )

    assert "rolled_back" == rollout.outcome
    assert "by p90" in decision.reason


VOTED = Plan(guards=(ERRORS, Guard("faults", "faults")), steps=(Step(0.1, 2), Step(0.5, 20)))


def test_faults_are_a_second_vote() -> None:
    """What X-Ray sampled adds to the evidence of harm; alone it can end a rollout."""
    rollout = begun(VOTED)
    while rollout.outcome is None:
        counts = Counts(600, 1, sampled=Tally(30, 12)), Counts(5400, 11, sampled=Tally(270, 1))
        rollout, decision = decide(rollout, seen(rollout.windows, 0.1, *counts))

    assert "rolled_back" == rollout.outcome
    assert "by faults" in decision.reason


@pytest.mark.parametrize("sampled", [None, Tally(0, 0)])
def test_no_traces_hold_nothing(sampled: Tally | None) -> None:
    """Without data of X-Ray a rollout goes on as without the guard, and faults say nothing."""
    rollout, shares = begun(VOTED), []
    for number in range(1, 4):
        counts = Counts(600, 1, sampled=sampled), Counts(5400, 11, sampled=Tally(270, 1))
        rollout, decision = decide(rollout, seen(number, rollout.share, *counts))
        shares.append(decision.share)

    assert [0.1, 0.5, 0.5] == shares
    assert 1 == decision.evidence["harmful.faults"]


def test_absent_latency() -> None:
    """A latency series that is absent holds and is named with its time; the errors are weighed meanwhile."""
    rollout = begun(Plan(guards=(ERRORS, SLOW), steps=(Step(0.1, 1), Step(0.5, 20))), (600, 60))
    for number in (1, 2):
        counts = Counts(600, 1, None), Counts(5400, 11, (540, 54))
        rollout, decision = decide(rollout, seen(number, 0.1, *counts))

    assert ("hold", 0.1) == (decision.kind, decision.share)
    assert "no data of the canary's latency since 2026-11-02T12:01:00+00:00" in decision.reason
    assert 1200 == decision.evidence["canary_requests"]
    assert 1 == decision.evidence["harmful.latency"]


def test_absent_data_has_its_own_deadline() -> None:
    """A rollout whose data stays away is held long before its own deadline, and never rolled back for it."""
    plan = Plan(deadline_windows=1000, absent_deadline_windows=5)
    rollout = begun(plan)
    rollout, _ = decide(rollout, seen(1, rollout.share, None, Counts(6000, 12)))
    rollout, _ = decide(rollout, seen(2, rollout.share, Counts(10, 0), Counts(5990, 12)))
    while rollout.outcome is None:
        rollout, decision = decide(rollout, seen(rollout.windows, rollout.share, None, Counts(6000, 12)))

    assert ("held", 0, 8) == (rollout.outcome, rollout.share, rollout.windows)
    assert (
        "no data of the canary since 2026-11-02T12:03:00+00:00, and the plan waits 5 windows for it" in decision.reason
    )


def test_latency_alone_decides_what_is_common() -> None:
    """How *safe* is weighted follows what the baseline showed before the canary's first request."""
    rare, common = (prepare(SLOW, Tally(6000, slower)).ratio_weight for slower in (1, 600))

    assert rare < 0.2
    assert common > 0.9
