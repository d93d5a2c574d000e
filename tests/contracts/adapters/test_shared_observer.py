"""The shared observer's part of the table: the fake, and the adapters on moto and MiniStack."""

from dataclasses import replace
from datetime import timedelta

import boto3
import pytest
from botocore.config import Config

from canario.adapters.shared_observer import ObserverDesk, SharedObserver, duties
from canario.canary.observation import Tally
from canario.canary.observer import Desk, Left, Observer
from canario.canary.ports import NodeCounts, Target
from canario.canary.subscription import Subscription
from tests.contracts.adapters.conftest import make_table
from tests.fakes import NOW
from tests.fakes.observer import FakeObserver
from tests.fakes.rollouts import FakeStarter

MINUTE = timedelta(minutes=1)
Sides = tuple[Observer, Desk, FakeStarter]


@pytest.fixture
def sides(aws_or_fake: boto3.Session | None, name: str) -> Sides:
    """A rollout's side, the observer's, and what was started: two rollouts are worth it."""
    if aws_or_fake is None:
        fake = FakeObserver(worth=2)
        return fake, fake, FakeStarter()
    table, starter = make_table(aws_or_fake, name), FakeStarter()
    return SharedObserver(table, starter, 2), ObserverDesk(table), starter  # type: ignore[arg-type]


@pytest.fixture
def subscription(target: Target) -> Subscription:
    pods = {target.canary: ("a", "b"), target.baseline: ()}
    return Subscription("r1", target, NOW, 60, NOW + timedelta(hours=1), (5.0, 250.0), pods)


def left(asked: Subscription, requests: int = 10) -> Left:
    canary = [NodeCounts(NOW, requests, 1, (3, 0), {"a": Tally(4, 1)}), NodeCounts(NOW + MINUTE, 0, 0, None)]
    return Left(asked.rollout, asked.wanted(NOW, 2), (canary, []))


def test_it_is_called_by_enough_rollouts_and_stays_for_a_while(sides: Sides) -> None:
    """Fewer call nobody; who called finds it on duty until its first look."""
    observer, desk, _ = sides
    observer.call(1, NOW)
    before = observer.on_duty(NOW)
    observer.call(2, NOW)
    called = observer.on_duty(NOW + MINUTE)
    desk.take_duty(NOW + 5 * MINUTE)

    assert (before, called) == (False, True)
    assert [observer.on_duty(NOW + each * MINUTE) for each in (4, 5)] == [True, False]


def test_a_rollouts_newest_subscription_counts(sides: Sides, subscription: Subscription) -> None:
    """It comes back as it was put; one that is over is left out, and so is one that was ended."""
    observer, desk, _ = sides
    newer = replace(subscription, start=NOW + MINUTE)
    heard = [observer.subscribe(each) for each in (subscription, newer, replace(subscription, rollout="r2"))]
    observer.unsubscribe("r2")
    observer.unsubscribe("r3")

    assert (heard, list(desk.subscriptions(NOW))) == ([True] * 3, [newer])
    assert list(desk.subscriptions(newer.until)) == []


def test_what_was_left_comes_back_for_the_same_question(sides: Sides, subscription: Subscription) -> None:
    """Counts, edges, pods, absent ones; to any other question there is no answer."""
    observer, desk, _ = sides
    problems = desk.leave([left(subscription)], NOW)
    found = observer.left("r1", subscription.wanted(NOW, 2))

    assert list(problems) == []
    assert found is not None
    assert [list(node) for node in found] == [list(node) for node in left(subscription).answers]
    assert observer.left("r1", subscription.wanted(NOW)) is None
    assert observer.left("r2", subscription.wanted(NOW, 2)) is None


def test_what_was_left_first_stays(sides: Sides, subscription: Subscription) -> None:
    """A second reading of the same window is no problem, and changes nothing."""
    observer, desk, _ = sides
    problems = [*desk.leave([left(subscription)], NOW), *desk.leave([left(subscription, requests=11)], NOW)]
    found = observer.left("r1", subscription.wanted(NOW, 2))

    assert problems == []
    assert found is not None
    assert found[0][0].requests == 10


@pytest.fixture
def gone(aws_environment: pytest.MonkeyPatch) -> boto3.Session:
    """Nobody listens at that port."""
    aws_environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    return boto3.Session(region_name="us-west-1")


def test_a_table_that_does_not_answer_raises_nothing_to_a_rollout(
    gone: boto3.Session, subscription: Subscription
) -> None:
    """It hears that nobody is there, and reads for itself."""
    table = gone.resource("dynamodb", config=Config(retries={"total_max_attempts": 1})).Table("nowhere")
    observer = SharedObserver(table, FakeStarter(), 1)  # type: ignore[arg-type]
    observer.call(1, NOW)
    observer.unsubscribe("r1")

    assert not observer.on_duty(NOW)
    assert not observer.subscribe(subscription)
    assert observer.left("r1", subscription.wanted(NOW)) is None


def test_one_execution_is_ten_minutes_and_the_next_is_started_ahead() -> None:
    """Its name is its time's, so that everybody's call is one execution; near its end the next one is called too."""
    early, late = duties(NOW + timedelta(seconds=479)), duties(NOW + timedelta(seconds=480))

    assert [each["name"] for each in early] == ["observer-20261102T1200"]
    assert [each["name"] for each in late] == ["observer-20261102T1200", "observer-20261102T1210"]
    assert late[0]["input"]["until"] == late[1]["input"]["from"] == "2026-11-02T12:10:00+00:00"
