"""The shared observer's part of the table of records, and how it is called.

| pk              | sk                 | what                                                             |
|-----------------|--------------------|------------------------------------------------------------------|
| `observer`      | `duty`             | `until`: as long as it is there, rollouts subscribe              |
| `subscriptions` | the rollout        | what it asks for                                                 |
| `left#<id>`     | the window's start | what was read: `question`, `body`; `expires`: DynamoDB's to delete |

What a rollout does here never raises: without it the rollout reads for itself, as it would without an observer.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.adapters.records import REFUSED, query
from canario.adapters.rollout_executions import Starting
from canario.canary.observation import Tally
from canario.canary.observer import GRACE, Left
from canario.canary.ports import NodeCounts, Wanted
from canario.canary.subscription import Subscription, question
from canario.errors import RemoteError

logger = logging.getLogger(__name__)

DUTY, SUBSCRIPTIONS = {"pk": "observer", "sk": "duty"}, "subscriptions"
DUTY_SECONDS = 600  # of one execution of its machine
AHEAD = timedelta(seconds=120)  # before the end of one, the next is started
KEPT = timedelta(hours=1)  # what was left, which is read within seconds or never
AT_ONCE = 10  # botocore's own connections


class SharedObserver:
    """The port `Observer`. It is called by `worth` rollouts or more, never where that is 0; `starter`: its machine."""

    def __init__(self, table: Any, starter: Starting | None = None, worth: int = 0) -> None:
        self._table, self._starter, self._worth = table, starter, worth

    def call(self, running: int, now: datetime) -> None:
        """An execution's name is its ten minutes', so that of two callers one starts it."""
        if self._starter is None or not 0 < self._worth <= running:
            return
        with _quietly("calling the shared observer"):
            first, *ahead = duties(now)
            if self._starter.start(first["name"], first["input"]):  # rollouts that begin before its first look wait
                self._table.put_item(Item={**DUTY, "until": _text(now + 2 * GRACE)})
            for each in ahead:
                self._starter.start(each["name"], each["input"])

    def on_duty(self, now: datetime) -> bool:
        if not self._worth:
            return False
        with _quietly("reading whether the shared observer is on duty"):
            item = self._table.get_item(Key=DUTY).get("Item")
            return item is not None and datetime.fromisoformat(item["until"]) > now
        return False

    def subscribe(self, subscription: Subscription) -> bool:
        body = json.dumps(subscription.to_dict())
        item = {"pk": SUBSCRIPTIONS, "sk": subscription.rollout, "body": body, **_expires(subscription.until)}
        with _quietly(f"subscribing the rollout {subscription.rollout} to the shared observer"):
            self._table.put_item(Item=item)
            return True
        return False

    def unsubscribe(self, rollout: str) -> None:
        with _quietly(f"ending the subscription of the rollout {rollout}"):
            self._table.delete_item(Key={"pk": SUBSCRIPTIONS, "sk": rollout})

    def left(self, rollout: str, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]] | None:
        with _quietly(f"reading what the shared observer left for the rollout {rollout}"):
            item = self._table.get_item(Key=_left_key(rollout, wanted), ConsistentRead=True).get("Item")
            if item is None or item["question"] != question(wanted):
                return None
            return [[_counts(each) for each in node] for node in json.loads(item["body"])]
        return None


class ObserverDesk:
    """The port `Desk`."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def take_duty(self, until: datetime) -> None:
        with aws.doing("going on duty as the shared observer"):
            self._table.put_item(Item={**DUTY, "until": _text(until)})

    def subscriptions(self, now: datetime) -> Sequence[Subscription]:
        with aws.doing("reading the subscriptions to the shared observer"):
            found = query(self._table, Key("pk").eq(SUBSCRIPTIONS), consistent=False)
        known = [Subscription.from_dict(json.loads(item["body"])) for item in found]
        return [each for each in known if each.until > now]

    def leave(self, found: Sequence[Left], now: datetime) -> Sequence[str]:
        """One conditional write each, several at a time: of two observers the first counts."""

        def attempt(left: Left) -> str:
            try:
                self._leave_one(left, now)
            except RemoteError as error:
                return str(error)
            return ""

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [problem for problem in pool.map(attempt, found) if problem]

    def _leave_one(self, left: Left, now: datetime) -> None:
        item = {
            **_left_key(left.rollout, left.wanted),
            "question": question(left.wanted),
            "body": json.dumps([[_plain(each) for each in node] for node in left.answers]),
            **_expires(now + KEPT),
        }
        # The resource's client, because only clients may be used by several threads.
        client, condition = self._table.meta.client, Attr("pk").not_exists()
        with aws.doing(f"leaving what was read for the rollout {left.rollout}"):
            try:
                client.put_item(TableName=self._table.name, Item=item, ConditionExpression=condition)
            except ClientError as error:
                if aws.code(error) != REFUSED:
                    raise


def duties(now: datetime) -> list[dict[str, Any]]:
    """The execution that is on duty now, and near its end the next one: `name`, `input` (`from`, `until`)."""
    began = datetime.fromtimestamp(now.timestamp() // DUTY_SECONDS * DUTY_SECONDS, UTC)
    length = timedelta(seconds=DUTY_SECONDS)
    begins = [began] if began + length - now > AHEAD else [began, began + length]
    return [
        {"name": f"observer-{each:%Y%m%dT%H%M}", "input": {"from": _text(each), "until": _text(each + length)}}
        for each in begins
    ]


@contextmanager
def _quietly(what: str) -> Iterator[None]:
    """Whatever AWS says is logged, and that is all."""
    try:
        with aws.doing(what):
            yield
    except RemoteError as error:
        logger.warning("the shared observer was not reached: %s", error)


def _left_key(rollout: str, wanted: Sequence[Wanted]) -> dict[str, str]:
    return {"pk": f"left#{rollout}", "sk": _text(wanted[0].start)}


def _expires(moment: datetime) -> dict[str, int]:
    return {"expires": int(moment.timestamp())}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _plain(counts: NodeCounts) -> list[Any]:
    pods = {name: [each.requests, each.errors] for name, each in counts.pods.items()}
    return [
        _text(counts.start),
        counts.requests,
        counts.errors,
        None if counts.slower is None else list(counts.slower),
        pods,
    ]


def _counts(plain: Sequence[Any]) -> NodeCounts:
    start, requests, errors, slower, pods = plain
    tallies = {name: Tally(*each) for name, each in pods.items()}
    return NodeCounts(datetime.fromisoformat(start), requests, errors, _slower(slower), tallies)


def _slower(plain: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if plain is None else tuple(plain)
