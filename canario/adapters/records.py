"""Records of workshops and rollouts, in one DynamoDB table with the string keys `pk` and `sk`.

| pk                       | sk                                | what                                      |
|--------------------------|-----------------------------------|-------------------------------------------|
| `workshop#<id>`          | `stage#<stage>`                   | the current record of a stage             |
| `workshop#<id>`          | `history#<time>#<stage>#<digest>` | every stage record ever written           |
| `router#<ns>/<router>`   | `lock`                            | the rollout that holds the router         |
| `rollout#<id>`           | `entry#<sequence, eight digits>`  | an entry of a rollout                     |
| `rollout#<id>`           | `instruction#<time>#<digest>`     | what a person or an alarm told it         |
| `routers`                | `<ns>/<router>`                   | a router that rollouts steer: the newest  |

A record's body is JSON text in the attribute `body`, which keeps every float as it is; DynamoDB's own numbers
end at 10^126, and evidence does not. Reads are consistent and follow every page.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase, Key
from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.canary.instructions import Instruction
from canario.canary.ports import Lock, Steered, Target
from canario.errors import AlreadyRunning

ROUTERS = "routers"
REFUSED = "ConditionalCheckFailedException"


class WorkshopRecords:
    """Stage records. The history only grows: no method of this class deletes or overwrites a line of it."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def put_stage(self, workshop: str, run: str, stage: str, body: Mapping[str, Any], now: datetime) -> None:
        """Make this the stage's current record and add it to the history, both or neither."""
        record = {**body, "run": run, "stage": stage, "at": _text(now)}
        content = _dump(record)
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        keys = (f"stage#{stage}", f"history#{_text(now)}#{stage}#{digest}")
        puts = [
            {
                "Put": {
                    "TableName": self._table.name,
                    "Item": {"pk": f"workshop#{workshop}", "sk": sk, "body": content},
                }
            }
            for sk in keys
        ]
        with aws.doing(f"recording the stage {stage} of the workshop {workshop} in {self._table.name}"):
            self._table.meta.client.transact_write_items(TransactItems=puts)

    def stages(self, workshop: str) -> Mapping[str, Mapping[str, Any]]:
        """The current record of each stage, with its `run`, `stage` and `at`; empty after `forget`."""
        found = self._items(workshop, "stage#")
        return {item["sk"].removeprefix("stage#"): json.loads(item["body"]) for item in found}

    def history(self, workshop: str) -> Sequence[Mapping[str, Any]]:
        """Every stage record ever written, in order of time."""
        return [json.loads(item["body"]) for item in self._items(workshop, "history#")]

    def forget(self, workshop: str) -> None:
        """Drop the current records; the history stays."""
        found = self._items(workshop, "stage#")
        what = f"forgetting the stages of the workshop {workshop} in {self._table.name}"
        with aws.doing(what), self._table.batch_writer() as batch:
            for item in found:
                batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})

    def _items(self, workshop: str, prefix: str) -> list[dict[str, Any]]:
        with aws.doing(f"reading the records of the workshop {workshop} in {self._table.name}"):
            return query(self._table, Key("pk").eq(f"workshop#{workshop}") & Key("sk").begins_with(prefix))


class RolloutRecords:
    """Entries of rollouts, and the lock that keeps one rollout to a router.

    A lock has no expiry: a rollout may rightly wait for hours. It is stale when the execution that owns it
    runs no more, which only Step Functions knows. Whoever finds that out (`holder` names the owner) calls
    `unlock` with the stale rollout, then `lock` with its own; both are conditional, so of two, one wins.
    """

    def __init__(self, table: Any) -> None:
        self._table = table

    def lock(self, target: Target, rollout: str, owner: str, now: datetime) -> None:
        """Hold the router for `rollout`; harmless when it holds it already. Raises AlreadyRunning."""
        item = {**_lock_key(target), "rollout": rollout, "owner": owner, "since": _text(now)}
        with aws.doing(f"locking the router {target.key} for the rollout {rollout}"):
            free = self._unless_refused(self._table.put_item, Attr("pk").not_exists(), Item=item)
        held = None if free else self.holder(target)
        if held and held.rollout != rollout:
            raise AlreadyRunning(
                f"the router {target.key} has the rollout {held.rollout} already, since {_text(held.since)}; "
                "wait for its end or stop its execution, then start again"
            )
        if not free and not held:  # unlocked in between
            self.lock(target, rollout, owner, now)

    def unlock(self, target: Target, rollout: str) -> None:
        """Let the router go; harmless when `rollout` does not hold it."""
        with aws.doing(f"unlocking the router {target.key} from the rollout {rollout}"):
            mine = Attr("rollout").eq(rollout)
            self._unless_refused(self._table.delete_item, mine, Key=_lock_key(target))

    def holder(self, target: Target) -> Lock | None:
        """Who holds the router now; None when nobody does."""
        with aws.doing(f"reading the lock of the router {target.key}"):
            item = self._table.get_item(Key=_lock_key(target), ConsistentRead=True).get("Item")
        return item and Lock(item["rollout"], item["owner"], datetime.fromisoformat(item["since"]))

    def put(self, rollout: str, sequence: int, kind: str, body: Mapping[str, Any], now: datetime) -> None:
        """Append an entry; writing the same `sequence` twice keeps the first."""
        entry = {**body, "sequence": sequence, "kind": kind, "at": _text(now)}
        item = {"pk": f"rollout#{rollout}", "sk": f"entry#{sequence:08d}", "body": _dump(entry)}
        with aws.doing(f"recording entry {sequence} of the rollout {rollout}"):
            self._unless_refused(self._table.put_item, Attr("pk").not_exists(), Item=item)

    def entries(self, rollout: str) -> Sequence[Mapping[str, Any]]:
        """Everything recorded of the rollout, in order, each with its `sequence`, `kind` and `at`."""
        with aws.doing(f"reading the entries of the rollout {rollout}"):
            found = query(self._table, Key("pk").eq(f"rollout#{rollout}") & Key("sk").begins_with("entry#"))
        return [json.loads(item["body"]) for item in found]

    def steer(self, steered: Steered) -> None:
        """Remember the router and its newest rollout; it stays after the rollout's end."""
        body = {
            "target": dict(vars(steered.target)),
            "rollout": steered.rollout,
            "owner": steered.owner,
            "since": _text(steered.since),
            "alarms": list(steered.alarms),
        }
        item = {**_steered_key(steered.target), "rollout": steered.rollout, "body": _dump(body)}
        with aws.doing(f"noting that the rollout {steered.rollout} steers the router {steered.target.key}"):
            self._table.put_item(Item=item)

    def settle(self, target: Target, rollout: str, outcome: str) -> None:
        """Note how the router's newest rollout ended; harmless when it is another one by now."""
        with aws.doing(f"noting that the rollout {rollout} of the router {target.key} has ended"):
            self._unless_refused(
                self._table.update_item,
                Attr("rollout").eq(rollout),
                Key=_steered_key(target),
                UpdateExpression="SET outcome = :outcome",
                ExpressionAttributeValues={":outcome": outcome},
            )

    def steered(self) -> Sequence[Steered]:
        """Every router that a rollout ever steered, with its newest rollout."""
        with aws.doing("reading which routers are steered"):
            return [_steered(item) for item in query(self._table, Key("pk").eq(ROUTERS))]

    def instruct(self, rollout: str, instruction: Instruction) -> None:
        """Add one; the same one twice is one."""
        content = _dump(instruction.to_dict())
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        key = {"pk": f"rollout#{rollout}", "sk": f"instruction#{_text(instruction.at)}#{digest}"}
        with aws.doing(f"recording the instruction {instruction.kind} to the rollout {rollout}"):
            self._table.put_item(Item={**key, "body": content})

    def instructions(self, rollout: str) -> Sequence[Instruction]:
        """All that the rollout was ever told, in order of time."""
        with aws.doing(f"reading the instructions to the rollout {rollout}"):
            found = query(self._table, Key("pk").eq(f"rollout#{rollout}") & Key("sk").begins_with("instruction#"))
        return [Instruction.from_dict(json.loads(item["body"])) for item in found]

    @staticmethod
    def _unless_refused(write: Callable[..., Any], condition: ConditionBase, **arguments: Any) -> bool:
        """False when the condition did not hold, so that nothing was written."""
        try:
            write(ConditionExpression=condition, **arguments)
        except ClientError as error:
            if aws.code(error) != REFUSED:
                raise
            return False
        return True


def _lock_key(target: Target) -> dict[str, str]:
    return {"pk": f"router#{target.key}", "sk": "lock"}


def _steered_key(target: Target) -> dict[str, str]:
    return {"pk": ROUTERS, "sk": target.key}


def _steered(item: Mapping[str, Any]) -> Steered:
    body = json.loads(item["body"])
    return Steered(
        target=Target(**body["target"]),
        rollout=body["rollout"],
        owner=body["owner"],
        since=datetime.fromisoformat(body["since"]),
        alarms=tuple(body["alarms"]),
        outcome=item.get("outcome"),
    )


def query(table: Any, condition: ConditionBase, *, consistent: bool = True) -> list[dict[str, Any]]:
    """The items of a partition that meet the condition, every page."""
    arguments: dict[str, Any] = {"KeyConditionExpression": condition, "ConsistentRead": consistent}
    items: list[dict[str, Any]] = []
    while True:
        page = table.query(**arguments)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _dump(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True)


def _text(moment: datetime) -> str:
    """UTC with microseconds always written, so that the order of the texts is the order of time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
