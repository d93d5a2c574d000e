"""Shares that nobody looks after: killed executions, routers that are gone."""

from dataclasses import replace
from typing import Any

import pytest

from canario.canary import ending, steps, watchdog
from canario.canary.ports import RouterState, Target
from canario.errors import RemoteError
from tests.fakes import NOW, FakeRouters
from tests.fakes.rollouts import FakeExecutions
from tests.unit.lambdas.rollouts import TARGET, Lab, begun, decided, kinds, later


def test_a_killed_executions_share_is_withdrawn(lab: Lab) -> None:
    """The watchdog ends the rollout of an execution that runs no more: share 0, record, event, router free."""
    steps.shift(decided(begun(lab), 0.3), lab.world)
    found = watchdog.sweep(lab.world, FakeExecutions(), later(60))
    again = watchdog.sweep(lab.world, FakeExecutions(), later(120))

    assert (found.orphans, again.orphans) == ((TARGET.key,), ())
    assert (lab.share, lab.records.locks) == (0.0, {})
    assert lab.records.entries("r1")[-1]["outcome"] == "rolled_back"
    assert "ShareOrphaned" in kinds(lab)


def test_a_running_execution_is_left_alone(lab: Lab) -> None:
    """A share with an execution behind it is nobody's orphan."""
    steps.shift(decided(begun(lab), 0.3), lab.world)

    assert watchdog.sweep(lab.world, FakeExecutions({"arn:execution"}), NOW).orphans == ()
    assert lab.share == 0.3


def test_a_share_after_the_end_is_withdrawn_unless_it_was_promoted(lab: Lab) -> None:
    """Whoever gives a rolled back canary traffic by hand loses it; a promoted canary keeps its own."""
    for outcome, left in (("rolled_back", 0.0), ("held", 0.0), ("promoted", 0.4)):
        lab.routers.set(TARGET, 0.0)
        carried = begun(Lab(routers=lab.routers, records=(lab := Lab(routers=lab.routers)).records))
        ending.end(replace(carried, outcome=outcome, decision={"reason": "x"}), lab.world, NOW)
        lab.routers.set(TARGET, 0.4, manager="kubectl-edit")
        found = watchdog.sweep(lab.world, FakeExecutions(), later(60))

        assert (lab.share, bool(found.orphans)) == (left, left == 0.0), outcome


def test_a_new_rollout_is_not_taken_for_an_orphan(lab: Lab) -> None:
    """A rollout that began while the watchdog looked has the lock by the time it has a share."""
    carried = begun(lab)
    ending.end(replace(carried, outcome="held", decision={"reason": "x"}), lab.world, NOW)
    lab.records.lock(TARGET, "r2", "arn:second", NOW)  # its router is noted a moment later
    lab.routers.set(TARGET, 0.1)

    assert watchdog.sweep(lab.world, FakeExecutions({"arn:second"}), NOW).orphans == ()
    assert lab.share == 0.1


def test_a_router_that_cannot_be_read_keeps_the_others_from_nothing(lab: Lab) -> None:
    """The problem is told; the other routers are looked at."""
    begun(lab)
    broken = replace(TARGET, router="broken")
    lab.records.steer(replace(lab.records.routers[TARGET.key], target=broken, rollout="r9", outcome="held"))
    world = replace(lab.world, routers=BrokenRouters(lab.routers, broken.key))
    found = watchdog.sweep(world, FakeExecutions(), NOW)

    assert (found.looked_at, len(found.problems), found.orphans) == (2, 1, (TARGET.key,))


class BrokenRouters:
    """Nobody answers for one router; the others are the inner ones."""

    def __init__(self, inner: FakeRouters, key: str) -> None:
        self._inner, self._key = inner, key

    def read(self, target: Target) -> RouterState:
        if target.key == self._key:
            raise RemoteError(f"reading the router {target.key}: no answer")
        return self._inner.read(target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize("outcome", ["rolled_back", "held", None])
def test_a_router_that_is_gone_is_nobodys_problem(lab: Lab, outcome: str | None) -> None:
    """Its workshop was cleaned: with the router the share is gone, and a killed rollout ends all the same."""
    begun(lab)
    lab.records.routers[TARGET.key] = replace(lab.records.routers[TARGET.key], outcome=outcome)
    del lab.routers.routers[TARGET.key]
    found = [watchdog.sweep(lab.world, FakeExecutions(), later(60 * n)) for n in (1, 2)]

    assert [(), ()] == [each.problems for each in found]
    assert () == found[1].orphans
    assert (outcome or "rolled_back") == lab.records.routers[TARGET.key].outcome
