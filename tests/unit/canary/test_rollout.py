"""What a rollout does with traffic: rises, holds, promotes, rolls back, ends."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from canario.canary import Counts, Observation, Plan, Rollout, Step, decide, decide_all, start
from canario.errors import InvalidInput
from tests.unit.canary.world import MINUTE, NOON, steady, watched, window


def test_the_first_window_only_watches() -> None:
    """A rollout begins at share 0; after one window of the baseline the canary gets min(1 %, B / R)."""
    rollout = start(Plan())

    assert 0 == rollout.share
    for requests, share in ((30, 0.01), (1_000, 0.01), (6_000, 10 / 6_000), (60_000, 10 / 60_000)):
        after, decision = decide(rollout, window(0, 0, None, (requests, 0)))
        assert "advance" == decision.kind
        assert pytest.approx(share) == decision.share == after.share


def test_a_healthy_canary() -> None:
    """A canary as good as its baseline is promoted: rising shares, a last watch at the largest one, then everything."""
    rollout, decisions = steady(Plan(watch_windows=1), 6000, 0.002, 0.002)
    shares = [each.share for each in decisions]

    assert "promoted" == rollout.outcome
    assert 1 == rollout.share == shares[-1]
    assert pytest.approx(0.9) == shares[-2]
    assert shares == sorted(shares)
    assert len(decisions) <= 13


def test_a_service_that_never_fails() -> None:
    """Without a single failure the tolerated rate decides: promoted after some 4,400 requests on the canary."""
    rollout, decisions = steady(Plan(), 6000, 0, 0)

    assert "promoted" == rollout.outcome
    assert len(decisions) <= 9


def test_a_service_that_never_fails_and_no_tolerance() -> None:
    """Without failures and without a tolerated rate nothing can be proved, and the reason says what is missing."""
    rollout, decisions = steady(Plan(tolerated_rate=0), 6000, 0, 0)

    assert "held" == rollout.outcome
    assert "no time is enough" in decisions[-1].reason
    assert "windows_needed" not in decisions[-1].evidence


@pytest.mark.parametrize("requests", [600, 6_000, 60_000])
@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_a_broken_canary(requests: int, rate: float) -> None:
    """A canary that fails is rolled back within three windows at about the harm budget's cost."""
    rollout, decisions = steady(Plan(), requests, 0.001, rate)

    assert "rolled_back" == rollout.outcome
    assert ("rollback", 0) == (decisions[-1].kind, decisions[-1].share)
    assert len(decisions) <= 4
    assert decisions[-1].evidence["canary_errors"] <= 12


def test_worse_but_of_no_concern() -> None:
    """A canary far worse, yet below the tolerated rate, is promoted; without tolerance rolled back."""
    tolerant, _ = steady(Plan(), 60_000, 0.00001, 0.0004)
    strict, _ = steady(Plan(tolerated_rate=0), 60_000, 0.00001, 0.0004)

    assert ("promoted", "rolled_back") == (tolerant.outcome, strict.outcome)


def test_the_smallest_share() -> None:
    """Where the dialect cannot write so small a share, it gets its smallest, and the reason says so."""
    _, decision = decide(start(Plan(smallest_share=1 / 101)), window(0, 0, None, (6000, 12)))

    assert 1 / 101 == decision.share
    assert "the router cannot write the 0.167 % that the harm budget asks for" in decision.reason


def test_the_harm_budget_limits_the_share() -> None:
    """While the canary may still fail much, the share stays where the budget has it, and the reason says so."""
    plan = Plan(harm_budget=0.5)
    rollout = watched(plan, 600, 0)
    rollout, decision = decide(rollout, window(1, rollout.share, (1, 1), (599, 0)))

    assert ("hold", 0.5 / 600) == (decision.kind, decision.share)
    assert "may still fail up to 100 %, and the harm budget is 0.5 a window" in decision.reason


def test_time_still_needed() -> None:
    """At 60 requests a minute a person reads how long the proof will take: log(4/β) / (R·w·τ) windows."""
    rollout, decisions = steady(Plan(deadline_windows=30), 60, 0, 0)
    needed = decisions[0].evidence["windows_needed"]

    assert pytest.approx(math.log(4 / 0.05) / (60 * 0.9 * 0.001), rel=0.001) == needed
    assert "held" == rollout.outcome
    assert "(about 61 minutes more at this traffic with 90 % of it on the canary)" in decisions[-1].reason


def test_time_still_needed_with_failures() -> None:
    """Where failures are common it takes log(4/β) / (R·p·[log(1 + w(r₁ − 1)) − w·log r₁]) windows."""
    _, decision = decide(start(Plan()), window(0, 0, None, (600, 6)))
    share = 1 / math.log(2) - 1

    expected = math.log(4 / 0.05) / (600 * 0.01 * (math.log(1 + share) - share * math.log(2)))

    assert pytest.approx(expected) == decision.evidence["windows_needed"]


@pytest.mark.parametrize(
    ("share", "canary", "baseline", "words"),
    [
        (0.1, None, (5400, 5), "no data of the canary since 2026-11-02T12:01:00+00:00"),
        (0.1, (600, 1), None, "no data of the baseline since 2026-11-02T12:01:00+00:00"),
        (0.1, None, None, "no data of the baseline and the canary since"),
        (0.1, (0, 0), (6000, 6), "served no request"),
        (0.1, (0, 0), (0, 0), "No request came"),
        (0.0, (0, 0), (6000, 6), "had 0 % of the traffic and not the 0.167 % that was decided"),
    ],
)
def test_windows_that_prove_nothing(share: float, canary: object, baseline: object, words: str) -> None:
    """Without data, without requests, or with another share than the one decided, a rollout holds and says why."""
    rollout, decision = decide(watched(), window(1, share, canary, baseline))  # type: ignore[arg-type]

    assert ("hold", 10 / 6000) == (decision.kind, decision.share)
    assert rollout.outcome is None
    assert words in decision.reason


def test_absent_since() -> None:
    """The reason counts from the first window without data, and forgets when data is back."""
    rollout, _ = decide(watched(), window(1, 0.001, None, (6000, 6)))
    rollout, second = decide(rollout, window(2, 0.001, None, (6000, 6)))
    rollout, _ = decide(rollout, window(3, 0.001, (10, 0), (6000, 6)))
    rollout, fourth = decide(rollout, window(4, 0.001, None, (6000, 6)))

    assert "since 2026-11-02T12:01:00+00:00" in second.reason
    assert "since 2026-11-02T12:04:00+00:00" in fourth.reason


def test_nothing_to_watch() -> None:
    """The canary gets no share before the baseline has shown a window with requests."""
    rollout = start(Plan())
    for number, baseline in enumerate((None, (0, 0), None)):
        rollout, decision = decide(rollout, window(number, 0, None, baseline))
        assert ("hold", 0) == (decision.kind, decision.share)
    _, decision = decide(rollout, window(3, 0, None, (600, 0)))

    assert "advance" == decision.kind


@pytest.mark.parametrize("skipped", [0, 5])
def test_the_deadline(skipped: int) -> None:
    """Windows without data and windows that never came count; without proof the end is share 0."""
    rollout = watched(Plan(deadline_windows=20))
    number = skipped
    while rollout.outcome is None:
        number += 1
        rollout, decision = decide(rollout, window(number, 0.01, None, None))

    assert 19 == number
    assert ("held", 0) == (rollout.outcome, rollout.share)
    assert ("hold", 0) == (decision.kind, decision.share)
    assert decision.reason.startswith("The deadline of 20 windows is reached without a proof either way")


def test_longer_windows_reach_the_deadline_sooner() -> None:
    """The deadline is a time: five-minute windows use up five of its minutes each."""
    rollout = start(Plan(deadline_windows=20))
    for number in range(4):
        at = NOON + number * 5 * MINUTE
        rollout, _ = decide(rollout, Observation(at, at + 5 * MINUTE, 0, None, None))

    assert "held" == rollout.outcome


@pytest.mark.parametrize(("deadline", "outcome"), [(9, "held"), (10, "promoted")])
def test_a_proof_at_the_deadline(deadline: int, outcome: str) -> None:
    """A proof that is in at the deadline promotes: only the last watch is cut short."""
    plan = Plan(deadline_windows=deadline, watch_windows=1)

    assert outcome == steady(plan, 6000, 0.002, 0.002)[0].outcome


def test_an_ended_rollout_is_refused() -> None:
    """Nothing can be decided after an outcome."""
    rollout, decisions = steady(Plan(), 6000, 0.001, 1.0)

    with pytest.raises(InvalidInput, match="^rollout.outcome: 'rolled_back' .* this rollout has ended"):
        decide(rollout, window(len(decisions), 0, None, (6000, 6)))


@pytest.mark.parametrize(
    ("start_second", "length", "words"),
    [
        (300, 60, "has been decided already"),
        (299, 60, "overlaps it"),
        (301, 30, "overlaps it"),
        (200, 300, "overlaps it"),
        (359, 60, "overlaps it"),
        (240, 60, "is before it"),
        (0, 60, "is before it"),
    ],
)
def test_windows_in_order(start_second: int, length: int, words: str) -> None:
    """A window that is repeated, overlaps or comes too late is refused; both windows are named."""
    rollout, _ = decide(start(Plan()), window(5, 0, None, (600, 0)))
    at = NOON + timedelta(seconds=start_second)
    late = Observation(at, at + timedelta(seconds=length), 0, None, Counts(600, 0))

    with pytest.raises(InvalidInput) as refusal:
        decide(rollout, late)

    assert words in str(refusal.value)
    assert "2026-11-02T12:05:00+00:00 to 2026-11-02T12:06:00+00:00" in str(refusal.value)
    assert late.start.isoformat() in str(refusal.value)


def test_time_zones() -> None:
    """Times compare as moments; windows with a zone and windows without do not mix."""
    rollout, _ = decide(start(Plan()), window(0, 0, None, (600, 0)))
    naive = NOON.replace(tzinfo=None) + MINUTE

    with pytest.raises(InvalidInput, match="a time zone in all windows, or in none"):
        decide(rollout, Observation(naive, naive + MINUTE, 0, None, Counts(600, 0)))


CLOCK = Plan(steps=(Step(0.05, 2), Step(0.5, 3)), deadline_windows=40)


def test_clock_steps() -> None:
    """A clock schedule takes its steps after their windows, and promotes after the last only with evidence."""
    rollout, decisions = steady(CLOCK, 60_000, 0.002, 0.002)

    assert [0.05, 0.05, 0.5, 0.5, 0.5, 1.0] == [each.share for each in decisions]
    assert "promoted" == rollout.outcome


def test_clock_steps_without_evidence() -> None:
    """A clock schedule that is done waits for the evidence, and is held without it."""
    rollout, decisions = steady(CLOCK, 60, 0.0, 0.0)

    assert "held" == rollout.outcome
    assert 40 == len(decisions)
    assert "every step is done, but the evidence that it is safe is" in decisions[-2].reason
    assert "every step is done" not in decisions[3].reason


def test_clock_steps_roll_back() -> None:
    """The evidence against a canary ends a clock schedule too."""
    rollout, decisions = steady(CLOCK, 6000, 0.001, 0.2)

    assert ("rolled_back", 2) == (rollout.outcome, len(decisions))


def test_clock_steps_count_windows_with_data() -> None:
    """Windows without data do not use up a step's time."""
    rollout = watched(CLOCK)
    for number in range(1, 6):
        rollout, decision = decide(rollout, window(number, 0.05, None, (5700, 6)))
        assert 0.05 == decision.share
    rollout, first = decide(rollout, window(6, 0.05, (300, 0), (5700, 6)))
    rollout, second = decide(rollout, window(7, 0.05, (300, 0), (5700, 6)))

    assert (0.05, 0.5) == (first.share, second.share)


def test_deciding_on_many_windows() -> None:
    """`decide_all` decides in order, and leaves alone what comes after an outcome."""
    windows = [window(0, 0, None, (6000, 6)), *(window(n, 0.01, (60, 60), (5940, 6)) for n in range(1, 5))]
    rollout, decisions = decide_all(start(Plan()), windows)

    assert ["advance", "rollback"] == [each.kind for each in decisions]
    assert "rolled_back" == rollout.outcome
    assert (rollout, ()) == decide_all(rollout, windows)


def test_state_stays_small() -> None:
    """The state does not grow with the number of windows."""
    rollout = watched(Plan(deadline_windows=100_000, beta=1e-12, tolerated_rate=0.0))
    for number in range(1, 3000):
        rollout, _ = decide(rollout, window(number, 0.01 + number % 7 / 1000, (60, number % 2), (5940, 66)))

    assert 2999 == rollout.evidence.windows if rollout.evidence else 0
    assert len(rollout.to_json()) < 4096


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("share", 2),
        ("outcome", "lost"),
        ("safe", 1),
        ("windows", -1),
        ("step", 1),
        ("began", "noon"),
        ("traffic", None),
        ("guards", []),
        ("guards", [{"series": [None, None], "noise": {"squares": 0, "freedom": 0}, "proved": False}]),
        ("guards", [{"series": [{"against": []}], "noise": {"squares": 0, "freedom": 0}, "proved": False}]),
        ("guards", [{"series": [7], "noise": {"squares": 0, "freedom": 0}, "proved": False}]),
        ("guards", [{"series": [None], "noise": 1, "proved": False}]),
        ("guards", [{"series": [None], "noise": {"squares": 0, "freedom": 0}, "proved": 1}]),
        ("pods", 7),
        ("pods", {"pod-1": {"windows": 1, "bets": [0.0]}}),
        ("suspects", "pod-1"),
        ("absent", 7),
        ("absent", {"canary": "noon"}),
        ("split", {"share": 2, "canary": 0, "total": 0, "last": 0}),
    ],
)
def test_damaged_state(field: str, value: object) -> None:
    """A state that no rollout had is refused with the field's name."""
    with pytest.raises(InvalidInput):
        Rollout.from_dict(watched().to_dict() | {field: value})


def test_damaged_evidence() -> None:
    """Evidence of another length than the plan's bets is refused, and so is text that is no JSON."""
    rollout, _ = decide(watched(), window(1, 0.01, (60, 0), (5940, 6)))
    state = rollout.to_dict()
    state["guards"][0]["series"][0]["harmful"] = [0.0]

    with pytest.raises(InvalidInput, match="^evidence.harmful: '1 bets' .* 5 bets; a rollout of another version"):
        Rollout.from_dict(state)
    with pytest.raises(InvalidInput, match="^rollout: "):
        Rollout.from_json("{")


def test_watching_can_be_left_out() -> None:
    """With no windows to watch, a proof promotes as soon as everything is at most three times the share."""
    plan = replace(Plan(), watch_windows=1)
    _, with_watch = steady(plan, 6000, 0.002, 0.002)
    _, without = steady(Plan(), 6000, 0.002, 0.002)

    assert len(with_watch) == len(without) + 1
    assert without[-2].share >= 1 / 3
