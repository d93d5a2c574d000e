"""What holds for every plan and every traffic."""

import json
import math
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from canario.canary import Decision, Observation, Plan, Rollout, decide, decide_all, start
from canario.errors import InvalidInput
from tests.properties.canary_strategies import NOON, Weather, plans, ramps, weather, weathers

Moment = tuple[Rollout, Observation, Rollout, Decision]  # before, window, after, decision


def moments(plan: Plan, weather: list[Weather]) -> Iterator[Moment]:
    rollout, at = start(plan), NOON
    for each in weather:
        observation = each.observe(rollout, at)
        after, decision = decide(rollout, observation)
        yield rollout, observation, after, decision
        rollout, at = after, observation.end
        if rollout.outcome is not None:
            return


@given(plans, weathers)
def test_share(plan: Plan, weather: list[Weather]) -> None:
    """The share is what was decided, within the plan; it falls only to zero, and ends at one or at zero."""
    for before, _, after, decision in moments(plan, weather):
        assert after.share == decision.share
        assert decision.share >= before.share or decision.share == 0
        assert decision.share <= plan.largest_share or decision.kind == "promote"
        assert decision.share == 0 or decision.share >= plan.smallest_share
        ends = {"promoted": ("promote", 1.0), "rolled_back": ("rollback", 0.0), "held": ("hold", 0.0)}
        assert after.outcome is None or (decision.kind, decision.share) == ends[after.outcome]
        assert (decision.kind in ("promote", "rollback")) <= (after.outcome is not None)


@given(plans, weathers)
def test_rises_by_evidence_only(plan: Plan, weather: list[Weather]) -> None:
    """The share rises only after a window with data in which it was in force and the canary had requests."""
    for before, window, _, decision in moments(plan, weather):
        if decision.share <= before.share:
            continue
        assert decision.kind in ("advance", "promote")
        assert not window.absent
        assert window.baseline is not None
        if before.share == 0:
            assert window.baseline.requests > 0
        else:
            assert window.canary is not None
            assert window.canary.requests > 0
            assert window.share >= 0.8 * before.share


@given(ramps, weathers)
def test_ramp(plan: Plan, weather: list[Weather]) -> None:
    """A ramp at most triples the share a window, and begins within 1 % and the budget, or with the smallest share."""
    for before, window, _, decision in moments(plan, weather):
        if before.share == 0 and decision.share > 0:
            assert window.baseline is not None
            served = window.baseline.requests + (window.canary.requests if window.canary else 0)
            allowed = min(0.01, plan.harm_budget / served)
            assert decision.share <= max(allowed, plan.smallest_share)
        elif decision.kind == "advance" or (decision.kind == "promote" and plan.largest_share >= 1 / 3):
            assert decision.share <= 3 * before.share * (1 + 1e-9)


@given(ramps, weathers)
def test_harm_budget(plan: Plan, weather: list[Weather]) -> None:
    """Until a canary is proved safe, the share rises no further than the harm budget over its worst rate."""
    for before, _, after, decision in moments(plan, weather):
        if decision.kind == "advance" and before.share > 0 and not after.safe:
            assert decision.share <= decision.evidence["next_share_limit"]


@given(plans, weathers)
def test_proofs(plan: Plan, weather: list[Weather]) -> None:
    """A rollback comes exactly when the evidence of harm is enough, a promotion only after enough for safety."""
    most = 0.0
    for _, window, after, decision in moments(plan, weather):
        found = decision.evidence
        enough = found["harmful"] >= found["threshold_rollback"] * (1 - 1e-12)
        alarm = found.get("watch", 0) >= found.get("threshold_watch", math.inf) * (1 - 1e-12)
        assert (after.outcome == "rolled_back") == (enough or alarm)
        most = max(most, decision.evidence["safe"])
        if decision.kind == "promote":
            assert most >= decision.evidence["threshold_promote"] * (1 - 1e-12)
        if window.absent and not alarm:
            assert decision.kind == "hold"


@given(plans, weathers)
def test_deadline(plan: Plan, weather: list[Weather]) -> None:
    """At the deadline, in windows decided or in time, every rollout has an outcome."""
    for number, (_, window, after, _) in enumerate(moments(plan, weather), start=1):
        elapsed = (window.end - (after.began or NOON)).total_seconds() / plan.window_seconds
        if max(number, elapsed) >= plan.deadline_windows:
            assert after.outcome is not None


@given(plans, weathers)
def test_decisions_can_be_read(plan: Plan, weather: list[Weather]) -> None:
    """Every number is finite and survives JSON and DynamoDB, and every reason is one sentence."""
    for *_, decision in moments(plan, weather):
        assert decision.to_dict() == json.loads(json.dumps(decision.to_dict(), allow_nan=False))
        for name, value in decision.evidence.items():
            assert isinstance(value, float), name
            assert math.isfinite(value), name
            assert value == 0 or 1e-100 < abs(value) < 1e100, name
        assert decision.reason[0].isupper()
        assert decision.reason.endswith(".")
        assert ". " not in decision.reason


@given(plans, weathers)
def test_round_trip(plan: Plan, weather: list[Weather]) -> None:
    """A rollout goes through JSON without loss, and deciding is the same before and after it."""
    assert start(plan) == Rollout.from_json(start(plan).to_json())
    for before, window, after, decision in moments(plan, weather):
        restored = Rollout.from_json(before.to_json())
        assert restored == before
        assert (after, decision) == decide(restored, Observation.from_dict(window.to_dict()))
        assert after == Rollout.from_dict(json.loads(json.dumps(after.to_dict())))
        assert len(after.to_json()) < 16_384


@given(plans, weathers)
def test_deciding_on_many(plan: Plan, weather: list[Weather]) -> None:
    """Deciding on many windows is deciding on each in turn."""
    steps = list(moments(plan, weather))
    windows = [window for _, window, _, _ in steps]

    assert (steps[-1][2], tuple(each[3] for each in steps)) == decide_all(start(plan), windows)


@given(plans, weathers, st.integers(-400, 400), st.integers(1, 400))
def test_order(plan: Plan, weather: list[Weather], offset: int, length: int) -> None:
    """Exactly the windows that begin at the end of the last one, or later, are taken."""
    *_, (_, last, rollout, _) = moments(plan, weather)
    begin = last.end + timedelta(seconds=offset)
    window = Observation(begin, begin + timedelta(seconds=length), 0, None, None)

    if offset >= 0 and rollout.outcome is None:
        assert decide(rollout, window)[0].last_end == window.end
    else:
        with pytest.raises(InvalidInput):
            decide(rollout, window)


class Operated(RuleBasedStateMachine):
    """A rollout that is stored as JSON between any two windows, as Step Functions does."""

    @initialize(plan=plans)
    def begin(self, plan: Plan) -> None:
        self.plan, self.stored, self.at = plan, start(plan).to_json(), NOON
        self.share, self.outcome = 0.0, start(plan).outcome

    @precondition(lambda self: self.outcome is None)
    @rule(weather=weather)
    def observe(self, weather: Weather) -> None:
        before = Rollout.from_json(self.stored)
        window = weather.observe(before, self.at)
        after, decision = decide(before, window)
        rises = decision.share > before.share
        assert not (rises and (window.absent_series(self.plan) or window.same_code))
        assert not (rises and before.share > 0 and (window.canary is None or not window.canary.requests))
        assert decision.suspect is None or decision.kind in ("hold", "rollback")
        self.stored, self.at = after.to_json(), window.end
        self.share, self.outcome = decision.share, after.outcome

    @precondition(lambda self: self.outcome is not None)
    @rule(weather=weather)
    def decide_again(self, weather: Weather) -> None:
        rollout = Rollout.from_json(self.stored)
        with pytest.raises(InvalidInput):
            decide(rollout, weather.observe(rollout, self.at))

    @invariant()
    def within_the_plan(self) -> None:
        if not hasattr(self, "stored"):
            return
        rollout = Rollout.from_json(self.stored)
        assert rollout.share == self.share
        assert rollout.to_json() == self.stored
        assert len(self.stored) < 32 * 1024
        assert self.outcome == "promoted" or self.share <= self.plan.largest_share
        if self.outcome in ("rolled_back", "held"):
            assert self.share == 0


TestOperated = Operated.TestCase
TestOperated.settings = settings(stateful_step_count=25)
