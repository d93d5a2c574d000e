"""The arithmetic of rolling updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.controllers.rolling import (
    Limits,
    Sized,
    Sizes,
    first_size,
    limits,
    recreate,
    rescale,
    roll,
)

_SMALL = st.integers(0, 12)


@st.composite
def _limits(draw: st.DrawFn) -> Limits:
    replicas, surge = draw(_SMALL), draw(st.integers(0, 6))
    unavailable = draw(st.integers(0, replicas))
    return Limits(replicas, surge, unavailable or (0 if surge else min(1, replicas)))


@st.composite
def _sets(draw: st.DrawFn) -> tuple[Sized, list[Sized]]:
    """A new set and old ones, in any state."""
    names = ["new", *(f"old-{n}" for n in range(draw(st.integers(0, 3))))]
    sets = []
    for n, name in enumerate(names):
        wanted = draw(_SMALL)
        sets.append(Sized(name, wanted, draw(st.integers(0, wanted)), created=str(len(names) - n)))
    return sets[0], sets[1:]


def _after(sets: Sequence[Sized], sizes: Sizes) -> list[Sized]:
    """The sets once ReplicaSets have followed: what is not available goes first."""
    resized = [replace(s, wanted=sizes.get(s.name, s.wanted)) for s in sets]
    return [replace(s, available=min(s.available, s.wanted)) for s in resized]


@given(_limits(), _sets())
def test_a_step_never_takes_availability_below_what_is_promised(lim: Limits, sets: tuple[Sized, list[Sized]]) -> None:
    """From any state, one step leaves `fewest` pods available, or as many as there were if there were fewer."""
    new, old = sets
    before = [new, *old]
    after = _after(before, roll(lim, new, old))
    available = sum(s.available for s in before)

    assert sum(s.available for s in after) >= min(lim.fewest, available)


@given(_limits(), _sets())
def test_a_step_never_wants_more_than_the_surge_allows(lim: Limits, sets: tuple[Sized, list[Sized]]) -> None:
    """From any state, one step that adds pods ends at or below `replicas + surge`; no other step adds any."""
    new, old = sets
    before = [new, *old]
    total = sum(s.wanted for s in before)
    after = sum(s.wanted for s in _after(before, roll(lim, new, old)))

    assert after <= max(total, lim.most)


@given(_limits(), _sets(), st.randoms(use_true_random=False))
def test_a_rolling_update_arrives(lim: Limits, sets: tuple[Sized, list[Sized]], chance: Random) -> None:
    """When pods become available one by one, in whatever order, the update ends with new pods only."""
    state = [sets[0], *sets[1]]
    goal = [lim.replicas] + [0] * len(sets[1])
    for _ in range(500):
        state = _after(state, roll(lim, state[0], state[1:]))
        coming = [n for n, s in enumerate(state) if s.available < s.wanted]
        if coming:
            n = chance.choice(coming)
            state[n] = replace(state[n], available=state[n].available + 1)
        elif [s.wanted for s in state] == goal:
            break

    assert goal == [s.wanted for s in state]


@given(_limits(), _sets())
def test_a_rescale_shares_out_exactly_what_is_allowed(lim: Limits, sets: tuple[Sized, list[Sized]]) -> None:
    """A change of replicas in mid-update ends at `replicas + surge` in all, at `replicas` when one set is left."""
    new, old = sets
    before = [new, *old]
    active = [s for s in before if s.wanted]
    total = sum(s.wanted for s in _after(before, rescale(lim, new, old, rolling=True)))

    expected = lim.replicas if len(active) <= 1 else lim.most if lim.replicas else 0
    assert expected == total


@given(_limits(), _sets(), st.booleans())
def test_recreate_never_mixes(lim: Limits, sets: tuple[Sized, list[Sized]], old_pods: bool) -> None:
    """With the strategy Recreate, the new set grows only when no old pod is left."""
    new, old = sets
    sizes = recreate(lim, new, old, old_pods=old_pods)
    grows = sizes.get(new.name, new.wanted) > new.wanted

    assert not (grows and (old_pods or any(s.wanted for s in old)))


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (4, "25%", "25%", Limits(4, 1, 1)),
        (3, "25%", "25%", Limits(3, 1, 0)),
        (10, "30%", "33%", Limits(10, 3, 3)),
        (1, "25%", "25%", Limits(1, 1, 0)),
        (5, 2, 0, Limits(5, 2, 0)),
        (3, 0, "25%", Limits(3, 0, 1)),
        (2, 0, 5, Limits(2, 0, 2)),
        (0, "25%", "25%", Limits(0, 0, 0)),
    ],
)
def test_percentages_round_as_kubernetes_does(
    replicas: int, surge: int | str, unavailable: int | str, expected: Limits
) -> None:
    """Surge rounds up, unavailable down, and where both come to nothing one may be unavailable."""
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    found = limits({"replicas": replicas, "strategy": {"rollingUpdate": rolling}})

    assert (expected.replicas, expected.surge) == (found.replicas, found.surge)
    assert expected.unavailable == min(found.unavailable, replicas)


@given(_limits(), _sets())
def test_a_new_set_begins_within_the_surge(lim: Limits, sets: tuple[Sized, list[Sized]]) -> None:
    """The first size of a new set takes what room there is, and no more than `replicas`."""
    old = sets[1]
    size = first_size(lim, old)

    assert 0 <= size <= lim.replicas
    assert size == 0 or size + sum(s.wanted for s in old) <= lim.most
