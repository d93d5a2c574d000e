"""When a rollout looks, and how often in one execution."""

import hashlib
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from canario.canary import Plan
from canario.canary.carried import Carried

MOST_LOOKS = 400  # of one execution: a look with a shift and its verification is about 30 of 25,000 events of history
SPREAD_SECONDS = 20
GIVEN_SECONDS = 5  # to the shared observer, before a rollout looks for what it left
LONGEST_NAME = 80  # of an execution


def another_look(carried: Carried) -> Carried:
    """One look more; after MOST_LOOKS the machine goes on in a fresh execution, whose first look this may be."""
    if carried.continue_as:
        return replace(carried, looks=1, part=carried.part + 1, continue_as=None)
    looks = carried.looks + 1
    full = looks >= MOST_LOOKS
    return replace(carried, looks=looks, continue_as=part_name(carried.name, carried.part + 1) if full else None)


def part_name(name: str, part: int) -> str:
    """One name, and so one execution, for each part of a rollout."""
    tail = f"-part-{part}"
    if len(name) + len(tail) <= LONGEST_NAME:
        return name + tail
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: LONGEST_NAME - len(tail) - 13]}-{digest}{tail}"


def aligned(now: datetime, plan: Plan) -> datetime:
    """The next instant at which a metric's period begins: 1 s for windows under a minute, else a minute."""
    period = 1 if plan.window_seconds < 60 else 60
    return datetime.fromtimestamp(math.ceil(now.timestamp() / period) * period, UTC)


def readable(since: datetime, carried: Carried) -> datetime:
    """When the window from `since` can be read: one whole window after it ended.

    Windows of minutes end at the minute for every rollout; each looks at a second of its own, so that a thousand of
    them stay below CloudWatch's 50 calls a second. Who has subscribed gives the shared observer its time first.
    """
    seconds = carried.rollout.plan.window_seconds
    given = 0 if carried.subscription is None else GIVEN_SECONDS if seconds >= 60 else 1
    own = int(hashlib.sha256(carried.name.encode()).hexdigest(), 16) % SPREAD_SECONDS if seconds >= 60 else 0
    return since + timedelta(seconds=2 * seconds + given + own)
