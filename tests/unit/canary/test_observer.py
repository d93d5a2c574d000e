"""The shared observer: a thousand rollouts in one tick, and what it leaves when things go wrong."""

import itertools
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from canario.adapters.cloudwatch import NodeMetrics
from canario.canary.observer import look, next_look
from canario.canary.ports import NodeCounts, Target
from canario.canary.subscription import Subscription, question
from canario.errors import RemoteError
from tests.fakes import NOW, FakeMetrics
from tests.fakes.observer import FakeObserver
from tests.fakes.rollouts import FakeController

MINUTE = timedelta(minutes=1)


class CloudWatch:
    """Every node's counts follow from its name and the minute; one in nine minutes it has none. `down`: it refuses."""

    def __init__(self, down: Sequence[str] = ()) -> None:
        self.calls: list[int] = []  # the series of each
        self.down = down

    def get_paginator(self, _: str) -> "CloudWatch":
        return self

    def paginate(self, MetricDataQueries: Any, StartTime: datetime, EndTime: datetime, **_: Any) -> Iterator[Any]:  # noqa: N803
        self.calls.append(len(MetricDataQueries))
        asked = [query["MetricStat"]["Metric"] for query in MetricDataQueries]
        if any(each["Value"] in self.down for metric in asked for each in metric["Dimensions"]):
            raise ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "GetMetricData")
        minutes = [StartTime + each * MINUTE for each in range((EndTime - StartTime) // MINUTE)]
        yield {
            "MetricDataResults": [
                self._result(query["Id"], metric, minutes)
                for query, metric in zip(MetricDataQueries, asked, strict=True)
            ]
        }

    def _result(self, key: str, metric: Any, minutes: Sequence[datetime]) -> Any:
        node = "/".join(each["Value"] for each in metric["Dimensions"][:3])
        found = {each: zlib.crc32(f"{node} {each:%H%M}".encode()) % 900 for each in minutes}
        tenths = 1 if metric["MetricName"] == "Requests" else 10
        kept = {each: float(count // tenths) for each, count in found.items() if count >= 100}
        return {"Id": key, "Timestamps": list(kept), "Values": list(kept.values()), "StatusCode": "Complete"}


def subscription(number: int, window: int = 60, since: datetime = NOW, **asked: Any) -> Subscription:
    target = Target(f"w{number}", "gateway", f"ns-{number}", "nodejs-router", "nodejs", "v1", "v2")
    return Subscription(f"r{number}", target, since, window, NOW + timedelta(hours=9), **asked)


def desk(subscriptions: Sequence[Subscription]) -> FakeObserver:
    return FakeObserver(asked={each.rollout: each for each in subscriptions})


def test_a_thousand_rollouts_are_read_in_eight_calls() -> None:
    """500 series a call, each rollout's four in one; and every rollout gets what it would have read for itself."""
    client, there = CloudWatch(), desk([subscription(number) for number in range(1000)])
    now = NOW + 2 * MINUTE

    seen = look(there, NodeMetrics(client), FakeController(), NOW + MINUTE, now)

    assert (seen.subscribed, seen.due, seen.left, seen.problems) == (1000, 1000, 1000, ())
    assert (seen.calls, seen.series, client.calls) == (8, 4000, [500] * 8)
    alone = NodeMetrics(CloudWatch())
    for number, each in enumerate(there.asked.values()):
        wanted = each.wanted(NOW)
        assert there.left(f"r{number}", wanted) == tuple(alone.read_many(wanted))


def test_rollouts_with_latency_and_pods_take_more_calls_but_no_more_than_need_be() -> None:
    """A hundred of them with five edges and three pods a node are 2,600 series: six calls."""
    pods = {node: tuple(f"{node}-{number}" for number in range(3)) for node in ("v1", "v2")}
    client = CloudWatch()
    asked = [subscription(number, edges=(5.0, 10.0, 25.0, 50.0, 100.0), pods=pods) for number in range(100)]

    seen = look(desk(asked), NodeMetrics(client), FakeController(), NOW, NOW + 2 * MINUTE)

    assert (seen.series, sorted(client.calls)) == (2600, [100, *[500] * 5])


def test_each_window_is_read_once_whoever_asks_again() -> None:
    """A tick reads what has become readable since the one before; nothing is due twice, and nothing too early."""
    there, client = desk([subscription(1)]), CloudWatch()
    ticks = [NOW + timedelta(seconds=each) for each in (110, 120, 179, 181)]
    looks = [look(there, NodeMetrics(client), FakeController(), *each) for each in itertools.pairwise(ticks)]

    assert [seen.due for seen in looks] == [1, 0, 1]
    assert [start for _, start in there.given] == [NOW, NOW + MINUTE]
    assert len(client.calls) == 2


def test_two_observers_leave_what_the_first_one_read() -> None:
    """Twice is harmless: what a rollout may have taken is not changed under it."""
    there = desk([subscription(1)])
    look(there, NodeMetrics(CloudWatch()), FakeController(), None, NOW + 2 * MINUTE)
    before = dict(there.given)
    look(there, NodeMetrics(CloudWatch(down=())), FakeController(), None, NOW + 2 * MINUTE)

    assert there.given == before


def test_a_call_that_fails_costs_only_those_that_it_was_for() -> None:
    """They read for themselves; the others have theirs, and the tick says what was wrong."""
    there, controller = desk([subscription(number) for number in range(250)]), FakeController()

    seen = look(there, NodeMetrics(CloudWatch(down=["w249"])), controller, NOW, NOW + 2 * MINUTE)

    assert (seen.calls, seen.left) == (2, 125)
    assert ["Throttling" in problem for problem in seen.problems] == [True]
    values = {each.name: each.value for each in controller.measured}
    assert values == {"Calls": 2, "Series": 1000, "Observed": 125, "Unobserved": 125}


def test_a_rollout_is_read_for_whole_or_not_at_all() -> None:
    """The first call ends amid the 36th rollout's baseline; when the second fails, its canary alone is no answer."""
    asked = [subscription(number, edges=(5.0, 10.0, 25.0, 50.0, 100.0)) for number in range(37)]
    there = desk(asked)

    assert look(there, NodeMetrics(CloudWatch(down=["w36"])), FakeController(), NOW, NOW + 2 * MINUTE).left == 35
    assert ("r34", NOW) in there.given


@pytest.mark.parametrize("counts", [NodeCounts(NOW, 10, 11), NodeCounts(NOW, 10, 1, (3, 4))])
def test_counts_that_contradict_one_another_are_left_to_nobody(counts: NodeCounts) -> None:
    """A node's series may be in two calls, of which one saw a datapoint that the other did not: the rollout reads."""
    there, metrics = desk([subscription(1)]), FakeMetrics({"v1": [counts], "v2": [NodeCounts(NOW, 10, 1)]})
    seen = look(there, metrics, FakeController(), None, NOW + 2 * MINUTE)

    assert (seen.due, seen.left, there.given) == (1, 0, {})


def test_windows_that_cannot_be_read_are_nobody_elses_loss() -> None:
    """Ninety seconds cut CloudWatch's minute: that rollout goes without, and hears so from its own reading."""
    seen = look(
        desk([subscription(1), subscription(2, window=90)]),
        NodeMetrics(CloudWatch()),
        FakeController(),
        NOW,
        NOW + 3 * MINUTE,
    )

    assert (seen.due, seen.left) == (2, 1)
    assert [each.partition(" of ")[0] for each in seen.problems] == ["the node v2", "the node v1"]


def test_rollouts_know_of_the_observer_before_it_reads() -> None:
    """It goes on duty first; a desk that it cannot reach is an error, and nothing is read."""

    class Closed(FakeObserver):
        def subscriptions(self, now: datetime) -> Sequence[Subscription]:
            raise RemoteError("the table does not answer")

    there, client = desk([subscription(1)]), CloudWatch()
    seen = look(there, NodeMetrics(client), FakeController(), None, NOW)
    with pytest.raises(RemoteError):
        look(Closed(), NodeMetrics(client), FakeController(), None, NOW)

    assert there.on_duty(seen.wait)
    assert client.calls == []


def test_who_has_ended_without_a_word_is_read_for_an_hour_at_most() -> None:
    """A subscription that nobody renewed is not served."""
    asked = subscription(1)

    assert look(desk([asked]), NodeMetrics(CloudWatch()), FakeController(), None, asked.until).subscribed == 0


@given(st.sampled_from([1, 5, 60, 300]), st.integers(0, 5000), st.lists(st.integers(1, 400), max_size=20))
def test_however_ticks_fall_no_window_is_left_twice_or_early(window: int, since: int, gaps: list[int]) -> None:
    """From one tick to the next; a window is due one whole window after its end, and the newest one counts."""
    asked = subscription(1, window, NOW + timedelta(seconds=since))
    found, after = [], NOW
    for gap in gaps:
        now = after + timedelta(seconds=gap)
        due = asked.due(after, now)
        if due:
            found.append(due[0].start)
            assert due[0].end + timedelta(seconds=window) <= now < due[0].end + 2 * timedelta(seconds=window)
            assert (due[0].start - asked.start) % timedelta(seconds=window) == timedelta(0)
        assert (due is None) == (asked.next_due(after) > now)
        after = now

    assert sorted(set(found)) == found


@given(st.lists(st.tuples(st.sampled_from([5, 60, 300]), st.integers(0, 5000)), max_size=5), st.integers(0, 9000))
def test_the_next_look_misses_no_window_that_is_asked_for(asked: list[tuple[int, int]], seconds: int) -> None:
    """It is never later than the next window that is due, nor than the next minute, and never at once."""
    subscriptions = [subscription(1, window, NOW + timedelta(seconds=since)) for window, since in asked]
    now = NOW + timedelta(seconds=seconds)
    wait = next_look(subscriptions, now)

    assert now + timedelta(seconds=1) <= wait <= max(now + timedelta(seconds=1), now + MINUTE)
    assert all(wait <= max(each.next_due(now), now + timedelta(seconds=1)) for each in subscriptions)


def test_only_the_very_same_question_has_the_answer() -> None:
    """Other pods, edges, windows or nodes are other questions; JSON in between changes none."""
    asked = subscription(1, edges=(5.0,), pods={"v2": ("a", "b")})
    again = Subscription.from_dict(asked.to_dict())
    others = [
        subscription(1, edges=(6.0,), pods={"v2": ("a", "b")}).wanted(NOW),
        subscription(1, edges=(5.0,), pods={"v2": ("b", "a")}).wanted(NOW),
        subscription(2, edges=(5.0,), pods={"v2": ("a", "b")}).wanted(NOW),
        asked.wanted(NOW + MINUTE),
        asked.wanted(NOW, 2),
        asked.wanted(NOW)[::-1],
    ]

    assert question(again.wanted(NOW)) == question(asked.wanted(NOW))
    assert question(asked.wanted(NOW)) not in map(question, others)
