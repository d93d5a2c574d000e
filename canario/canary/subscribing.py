"""A rollout and the shared observer: when it subscribes, renews, and goes back to reading for itself."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from canario.canary.carried import Carried
from canario.canary.ports import Wanted
from canario.canary.subscription import LIFE, Subscription
from canario.canary.world import World

ASK_EVERY = 10  # looks, of a rollout that has not subscribed

Pods = Mapping[str, tuple[str, ...]]  # by node


def verified(carried: Carried, world: World, start: datetime, now: datetime) -> Carried:
    """With a new share windows begin anew, and so does a subscription, while the observer is on duty."""
    if not world.observer.on_duty(now):
        return let_go(carried, world)
    return _subscribed(carried, world, start, carried.subscription.pods if carried.subscription else {}, now)


def looked(carried: Carried, world: World, pods: Pods, now: datetime) -> Carried:
    """After a look that has read up to `carried.since`: with other pods the question is another one."""
    before = carried.subscription
    if before is None:
        ask = carried.looks % ASK_EVERY == 0 and world.observer.on_duty(now)
        return _subscribed(carried, world, carried.since, pods, now) if ask else carried
    if carried.read_by != "observer" and not world.observer.on_duty(now):
        return let_go(carried, world)
    if before.pods != pods or before.until - now < LIFE / 2:
        return _subscribed(carried, world, carried.since, pods, now)
    return carried


def let_go(carried: Carried, world: World) -> Carried:
    if carried.subscription:
        world.observer.unsubscribe(carried.name)
    return replace(carried, subscription=None)


def question_of(carried: Carried, pods: Pods, windows: int) -> tuple[Wanted, Wanted]:
    """What the rollout wants to know now: the canary's and the baseline's next windows."""
    return _subscription(carried, carried.since, pods, carried.since).wanted(carried.since, windows)


def _subscribed(carried: Carried, world: World, start: datetime, pods: Pods, now: datetime) -> Carried:
    """To the windows from `start` on; not, where the observer does not hear."""
    subscription = _subscription(carried, start, pods, now + LIFE)
    return replace(carried, subscription=subscription if world.observer.subscribe(subscription) else None)


def _subscription(carried: Carried, start: datetime, pods: Pods, until: datetime) -> Subscription:
    plan = carried.rollout.plan
    return Subscription(carried.name, carried.target, start, plan.window_seconds, until, plan.edges, pods)
