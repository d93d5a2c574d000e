"""A rollout beside the shared observer: it takes what was left for it, and needs none of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canario.canary import Observation, Plan, ending, steps, watchdog
from canario.canary.carried import Carried
from canario.canary.observer import Left, look
from canario.canary.ports import NodeCounts, Wanted
from canario.canary.subscription import LIFE
from canario.errors import RemoteError
from tests.fakes import NOW, FakeMetrics
from tests.fakes.rollouts import FakeController, FakeExecutions
from tests.unit.lambdas.rollouts import TARGET, Lab, begun, decided, later, through_json


class Counting(FakeMetrics):
    """How often a rollout read for itself."""

    def __init__(self) -> None:
        super().__init__()
        self.read_alone = 0

    def read_many(self, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]]:
        self.read_alone += 1
        return super().read_many(wanted)


@pytest.fixture
def lab() -> Lab:
    return on_duty()


def on_duty() -> Lab:
    """A lab whose observer one rollout is enough for."""
    lab = Lab(metrics=Counting())
    lab.observer.worth = 1
    lab.serve(NOW, 100, 1, windows=40)
    return lab


def tick(lab: Lab, now: datetime) -> None:
    look(lab.observer, FakeMetrics(lab.metrics.nodes), FakeController(), now - timedelta(seconds=5), now)


def test_what_was_left_is_taken_and_nothing_else_is_read(lab: Lab) -> None:
    """The windows are those that the rollout would have read, and its record says who did."""
    carried = through_json(begun(lab))
    tick(lab, later(10))
    observed = steps.observe(carried, lab.world, later(11))

    assert [(each.start, each.canary and each.canary.requests) for each in observed.observations] == [(NOW, 100)]
    assert (observed.read_by, lab.metrics.read_alone) == ("observer", 0)
    steps.decide(through_json(observed), lab.world, later(11))
    assert lab.records.entries("r1")[-1]["read_by"] == "observer"
    assert lab.controller.values("Calls") == [0.0]


def test_where_nothing_was_left_a_rollout_reads_for_itself(lab: Lab) -> None:
    """At the time at which it would have looked for it, one second later than without an observer."""
    carried = begun(lab)
    observed = steps.observe(carried, lab.world, later(11))

    assert carried.wait == later(11)
    assert [each.start for each in observed.observations] == [NOW]
    assert (observed.read_by, lab.metrics.read_alone) == ("rollout", 1)
    steps.decide(observed, lab.world, later(11))
    assert lab.controller.values("Calls") == [1.0]


def test_a_rollout_of_minutes_gives_the_observer_five_seconds() -> None:
    """And looks at its own second of the twenty after them, so that many of them do not read at once."""
    waits = []
    for worth in (0, 1):
        lab = Lab()
        lab.observer.worth = worth
        waits.append(begun(lab, Plan(window_seconds=60)).wait)

    assert waits[1] - waits[0] == timedelta(seconds=5)


def test_below_the_threshold_nothing_changes() -> None:
    """Nobody is called or subscribed to, and no window is read a moment later."""
    lab = Lab(metrics=Counting())
    lab.observer.worth = 2
    carried = begun(lab)

    assert (carried.subscription, carried.wait, lab.observer.until) == (None, later(10), None)


def test_the_rollout_that_makes_enough_of_them_calls_the_observer() -> None:
    """Those that run are counted, not those that have ended."""
    lab = Lab()
    lab.observer.worth = 2
    for number in range(2):
        other = replace(TARGET, router=f"router-{number}")
        lab.routers.set(other, 0.0)
        steps.begin(f"other-{number}", other, Plan(), "arn:other", lab.world, NOW)
        lab.records.settle(other, "other-0", "promoted")

    assert lab.observer.until is None
    begun(lab)
    assert lab.observer.on_duty(NOW)


def test_the_watchdog_keeps_the_observer_on_duty(lab: Lab) -> None:
    """Once a minute, for as long as there are enough."""
    begun(lab)
    watchdog.sweep(lab.world, FakeExecutions({"arn:execution"}), later(900))

    assert lab.observer.on_duty(later(901))


def test_one_that_began_before_the_observer_joins_within_ten_looks() -> None:
    """It asks now and then; from then on the observer reads for it."""
    lab = Lab(metrics=Counting())
    lab.serve(NOW, 100, 1, windows=40)
    carried = begun(lab)
    lab.observer.until = later(1000)
    for number in range(11):
        carried = steps.observe(carried, lab.world, later(10 + 5 * number))
        tick(lab, later(15 + 5 * number))

    assert carried.subscription == lab.observer.asked["r1"]
    assert (carried.read_by, lab.metrics.read_alone) == ("observer", 10)


def test_when_the_observer_has_gone_a_rollout_forgets_it(lab: Lab) -> None:
    """What was not left is read alone, and the next look is as early as ever."""
    carried = begun(lab)
    lab.observer.until = later(5)
    observed = steps.observe(carried, lab.world, later(11))

    assert (observed.subscription, observed.wait, lab.observer.asked) == (None, later(15), {})


def test_other_pods_are_another_question(lab: Lab) -> None:
    """A pod that came since is not left out: the rollout reads with it, and subscribes with it."""
    carried = begun(lab)
    tick(lab, later(10))
    lab.pods.nodes[TARGET.canary] = ["a", "b"]
    observed = steps.observe(carried, lab.world, later(11))
    tick(lab, later(15))
    again = steps.observe(observed, lab.world, later(16))

    assert (observed.read_by, again.read_by) == ("rollout", "observer")
    assert lab.observer.asked["r1"].pods[TARGET.canary] == ("a", "b")


def test_a_hole_in_what_was_left_is_looked_at_again(lab: Lab) -> None:
    """What the plan decides by may have come since; a canary without a share owes nothing."""
    without_share = begun(lab)
    with_share = replace(without_share, written=0.1)
    wanted = without_share.subscription.wanted(NOW) if without_share.subscription else ()
    there = NodeCounts(NOW, 100, 1)
    lab.observer.leave([Left("r1", tuple(wanted), ([], [there]))], NOW)
    observed = [steps.observe(each, lab.world, later(11)) for each in (without_share, with_share)]

    assert [each.read_by for each in observed] == ["observer", "rollout"]
    assert observed[0].observations[0].canary is None
    assert observed[1].observations[0].canary is not None


def test_a_subscription_is_renewed_while_its_rollout_lives(lab: Lab) -> None:
    """Half an hour before it would end."""
    carried = begun(lab)
    old = replace(carried, since=later(3000))
    lab.serve(later(3000), 100, 1)
    lab.observer.until = later(9000)
    observed = steps.observe(old, lab.world, later(3011))

    assert lab.observer.asked["r1"].until == later(3011) + LIFE
    assert lab.observer.asked["r1"] == observed.subscription


def test_a_rollout_that_ends_says_so(lab: Lab) -> None:
    """The observer does not read on for it."""
    carried = begun(lab)
    ending.end(replace(decided(carried, 0.0), outcome="held"), lab.world, later(20))

    assert lab.observer.asked == {}


def test_an_observer_that_cannot_be_reached_stops_nothing(lab: Lab) -> None:
    """From the beginning, and in the middle."""
    carried = begun(lab)
    lab.observer.deaf = True
    in_the_middle = steps.observe(carried, lab.world, later(11))
    other = Lab()
    other.observer.worth, other.observer.deaf = 1, True
    from_the_beginning = begun(other)

    assert [each.start for each in in_the_middle.observations] == [NOW]
    assert from_the_beginning.subscription is None


def test_routers_that_cannot_be_counted_refuse_no_rollout(lab: Lab) -> None:
    """Begin holds the lock by then; that nobody calls the observer is no reason to give it back."""

    def fails() -> None:
        raise RemoteError("the table does not answer")

    lab.records.steered = fails  # type: ignore[method-assign, assignment]

    assert begun(lab).name == "r1"
    assert lab.records.locks == {TARGET.key: "r1"}


@settings(max_examples=40)
@given(looks=st.lists(st.tuples(st.sampled_from([5, 5, 5, 7, 11, 30]), st.booleans(), st.booleans()), max_size=15))
def test_with_or_without_the_observer_a_rollout_observes_the_same(looks: list[tuple[int, bool, bool]]) -> None:
    """Whatever it left or did not, however late looks were, whenever it could not be reached."""
    labs = [on_duty(), Lab()]
    labs[1].serve(NOW, 100, 1, windows=40)
    now, seen = 6.0, []
    carried = [begun(lab) for lab in labs]
    for gap, ticks, deaf in looks:
        now += gap
        labs[0].observer.deaf = False
        if ticks:
            tick(labs[0], later(now))
        labs[0].observer.deaf = deaf
        carried = [_observed(each, lab, later(now)) for each, lab in zip(carried, labs, strict=True)]
        seen.append([each.observations for each in carried])

    with_it, without = ([both[which] for both in seen] for which in (0, 1))
    assert with_it == without
    assert _windows(with_it) == [later(5 * each) for each in range(len(_windows(with_it)))]


def _observed(carried: Carried, lab: Lab, now: datetime) -> Carried:
    return steps.observe(through_json(carried), lab.world, now)


def _windows(seen: Sequence[Sequence[Observation]]) -> list[datetime]:
    return [each.start for observations in seen for each in observations]
