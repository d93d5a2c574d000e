"""Windows and their counts: what cannot have been is refused, and what is missing is not zero."""

import json
from datetime import timedelta
from typing import Any

import pytest

from canario.canary import Counts, Observation, Plan, decide, start
from canario.errors import InvalidInput
from tests.unit.canary.world import MINUTE, NOON, watched, window


@pytest.mark.parametrize(
    ("counts", "field"),
    [
        ((-1, 0), "requests"),
        ((1.5, 0), "requests"),
        ((True, 0), "requests"),
        ((10, 11), "errors"),
        ((10, -1), "errors"),
        ((10, 0, (11,)), "slower"),
        ((10, 0, (3, 4)), "slower"),
    ],
)
def test_impossible_counts(counts: tuple[Any, ...], field: str) -> None:
    """More errors than requests, fractions, negatives, and more slow requests beyond a later edge are refused."""
    with pytest.raises(InvalidInput) as refusal:
        Counts(*counts)

    assert field == refusal.value.field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"end": NOON}, "end"),
        ({"end": NOON - MINUTE}, "end"),
        ({"end": (NOON + MINUTE).replace(tzinfo=None)}, "end"),
        ({"start": "noon"}, "start"),
        ({"share": 1.1}, "share"),
        ({"share": -0.1}, "share"),
        ({"share": float("nan")}, "share"),
        ({"share": True}, "share"),
    ],
)
def test_impossible_windows(change: dict[str, Any], field: str) -> None:
    """A window ends after it starts, and has a share from 0 to 1."""
    values = {"start": NOON, "end": NOON + MINUTE, "share": 0.1, "canary": None, "baseline": None} | change

    with pytest.raises(InvalidInput) as refusal:
        Observation(**values)

    assert field == refusal.value.field


@pytest.mark.parametrize(
    ("share", "canary", "baseline", "absent"),
    [
        (0.1, (1, 0), (9, 0), ()),
        (0.1, None, (9, 0), ("canary",)),
        (0.1, (1, 0), None, ("baseline",)),
        (0.1, None, None, ("baseline", "canary")),
        (0.0, None, (9, 0), ()),
        (0.0, None, None, ("baseline",)),
    ],
)
def test_absent(share: float, canary: Any, baseline: Any, absent: tuple[str, ...]) -> None:
    """Data is owed by the baseline always, and by the canary as soon as it has a share."""
    assert absent == window(0, share, canary, baseline).absent


def test_round_trip() -> None:
    """An observation goes through JSON without loss, absent data included."""
    observation = Observation(NOON, NOON + timedelta(seconds=5), 0.25, Counts(10, 1, (5, 2)), None)

    assert observation == Observation.from_dict(json.loads(json.dumps(observation.to_dict())))


@pytest.mark.parametrize("name", ["start", "end", "share", "canary", "baseline"])
def test_every_field_is_needed(name: str) -> None:
    """Data that is absent is said to be absent; a field that is missing is a mistake."""
    given = window(0, 0.1, (1, 0), (9, 0)).to_dict()
    del given[name]

    with pytest.raises(InvalidInput, match=f"^{name}: "):
        Observation.from_dict(given)


@pytest.mark.parametrize("slower", [(), (1,), (3, 2, 1)])
def test_one_count_per_edge(slower: tuple[int, ...]) -> None:
    """Counts that do not fit the plan's latency edges are refused with the node's name."""
    observation = Observation(NOON, NOON + MINUTE, 0, None, Counts(10, 0, slower))

    with pytest.raises(InvalidInput, match=r"^baseline\.slower: .* 2 counts, one per latency edge"):
        decide(start(Plan(latency_edges=(100, 200))), observation)


def test_counts_beyond_measure() -> None:
    """A count that no float holds exactly is refused; a huge one is not."""
    with pytest.raises(InvalidInput, match=r"^baseline\.requests"):
        decide(start(Plan()), window(0, 0, None, (10**15 + 1, 0)))
    huge = window(1, 0.01, (10**13, 10**10), (10**15, 10**12))
    rollout, decision = decide(watched(requests=10**15, errors=10**12), huge)

    assert None is rollout.outcome
    assert all(abs(value) <= 1e99 or name.endswith("requests") for name, value in decision.evidence.items())
