"""Gates, pauses and instructions, beside the evidence."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canario.canary import Decision, Plan, start
from canario.canary.gates import Gates, limit, restrain
from canario.canary.instructions import Instruction, standing
from canario.errors import InvalidInput

NOW = datetime.fromisoformat("2026-11-02T12:00:00+00:00")
PLAN = Plan(window_seconds=60, deadline_windows=10)


def told(kind: str, minutes: float = 0, share: float | None = None) -> Instruction:
    return Instruction(kind, "ana", NOW + timedelta(minutes=minutes), share=share)  # type: ignore[arg-type]


def wants(share: float, kind: str = "advance") -> Decision:
    return Decision(kind, share, "The evidence says so.", {})  # type: ignore[arg-type]


def test_the_first_stop_counts_and_stays() -> None:
    """Whatever is said after an alarm, the rollout has been stopped by it."""
    now = standing([told("resume", 3), told("abort", 2), told("alarm", 1)])

    assert now.stop == told("alarm", 1)


def test_a_pause_lasts_until_it_is_taken_back() -> None:
    """Of pause and resume the last one counts."""
    assert standing([told("pause", 1)]).paused == told("pause", 1)
    assert standing([told("resume", 2), told("pause", 1)]).paused is None


def test_a_gate_opens_those_below_it() -> None:
    """An approval of a gate is one of every lower gate too."""
    gates = Gates((0.1, 0.5, 0.9))

    assert gates.next(None) == 0.1
    assert gates.next(standing([told("approve", share=0.5), told("approve", 1, share=0.1)]).approved) == 0.9


@pytest.mark.parametrize("shares", [[0.5, 0.1], [1.0], [-0.1], [0.5, 0.5], ["half"], "0.5"])
def test_gates_that_are_none_are_refused(shares: object) -> None:
    """Gates rise, and are below 1."""
    with pytest.raises(InvalidInput, match="^gates"):
        Gates.parse(shares)


def test_a_rise_ends_at_the_gate() -> None:
    """The evidence would allow more: the canary gets the gate's share, and a person is waited for."""
    before = replace(start(PLAN), share=0.3)
    found = limit(Gates((0.5,)), standing([]), 0.3, None, NOW, "r1")
    after, decision, waits = restrain(before, replace(before, share=0.8), wants(0.8), found)

    assert (after.share, decision.kind, decision.share, waits) == (0.5, "advance", 0.5, True)
    assert "canario canary approve r1" in decision.reason
    assert "The evidence says so." in decision.reason


def test_at_the_gate_the_share_stays_and_windows_count_on() -> None:
    """At the gate's share a promotion becomes a hold, with no outcome."""
    before = replace(start(PLAN), share=0.5)
    found = limit(Gates((0.5,)), standing([]), 0.5, NOW, NOW, "r1")
    promoted = replace(before, share=1.0, outcome="promoted", windows=3)
    after, decision, waits = restrain(before, promoted, wants(1.0, "promote"), found)

    assert (after.share, after.outcome, after.windows, decision.kind, waits) == (0.5, None, 3, "hold", True)


def test_an_open_gate_is_none() -> None:
    """After its approval the evidence alone decides."""
    assert limit(Gates((0.5,)), standing([told("approve", share=0.5)]), 0.5, NOW, NOW, "r1") is None


def test_a_pause_keeps_the_share_where_it_is() -> None:
    """Nothing rises in a pause, gates or no gates."""
    before = replace(start(PLAN), share=0.2)
    found = limit(Gates(), standing([told("pause")]), 0.2, None, NOW, "r1")
    after, decision, waits = restrain(before, replace(before, share=0.4), wants(0.4), found)

    assert (after.share, decision.kind, waits) == (0.2, "hold", True)
    assert decision.reason.startswith("Paused by ana since")


def test_a_gate_that_nobody_opens_in_time_ends_the_rollout_held() -> None:
    """The gate's own time ends it, and so does the plan's deadline: the baseline keeps all traffic."""
    before = replace(start(PLAN), share=0.5)
    late = limit(Gates((0.5,), seconds=60), standing([]), 0.5, NOW, NOW + timedelta(minutes=1), "r1")
    due = limit(Gates((0.5,)), standing([]), 0.5, NOW, NOW, "r1")
    ended = replace(before, windows=10, began=NOW, last_end=NOW + timedelta(minutes=10))
    for after, found in ((before, late), (ended, due)):
        held, decision, waits = restrain(before, after, wants(1.0, "promote"), found)

        assert (held.share, held.outcome, decision.kind, waits) == (0.0, "held", "hold", False)


def test_a_rollback_never_waits() -> None:
    """Neither a gate nor a pause keeps the traffic on a bad canary."""
    before = replace(start(PLAN), share=0.5)
    back = replace(before, share=0.0, outcome="rolled_back")
    found = limit(Gates((0.1,)), standing([told("pause")]), 0.5, None, NOW, "r1")

    assert restrain(before, back, wants(0.0, "rollback"), found) == (back, wants(0.0, "rollback"), False)


def test_a_clocks_step_is_begun_whole_or_not_at_all() -> None:
    """A step above the gate waits; the step before it stays the one that is done."""
    plan = Plan.from_dict({"steps": [{"share": 0.1, "windows": 1}, {"share": 0.8, "windows": 1}]})
    before = replace(start(plan), share=0.1, step=1)
    found = limit(Gates((0.5,)), standing([]), 0.1, None, NOW, "r1")
    after, decision, _ = restrain(before, replace(before, share=0.8, step=2), wants(0.8), found)

    assert (after.share, after.step, decision.kind) == (0.1, 1, "hold")


@given(
    share=st.floats(0, 0.95),
    rise=st.floats(0, 1),
    gates=st.lists(st.floats(0, 0.99), unique=True, max_size=4).map(lambda found: tuple(sorted(found))),
    approved=st.none() | st.floats(0, 0.99),
    paused=st.booleans(),
)
def test_no_share_rises_above_what_people_allow(
    share: float, rise: float, gates: tuple[float, ...], approved: float | None, paused: bool
) -> None:
    """Whatever the evidence wants, a rise ends at the lowest closed gate, and there is none in a pause."""
    before = replace(start(PLAN), share=share)
    wanted = max(share, rise)
    said = [*([told("pause")] if paused else []), *([told("approve", share=approved)] if approved is not None else [])]
    now = standing(said)
    after, decision, _ = restrain(
        before, replace(before, share=wanted), wants(wanted), limit(Gates(gates), now, share, None, NOW, "r1")
    )

    gate = Gates(gates).next(approved)
    most = share if paused else max(share, gate) if gate is not None else 1.0
    assert share <= after.share <= most or after.share == wanted <= most
    assert decision.share == after.share
