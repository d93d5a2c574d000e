"""How long workshops live, in the table of records.

| pk          | sk           | what                                                         |
|-------------|--------------|--------------------------------------------------------------|
| `lifetimes` | the workshop | `body`: until when, whether people were told, the execution |

A partition of its own: who looks for what has expired reads one list, and no workshop's records.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.adapters.records import REFUSED, query
from canario.errors import Conflict
from canario.workshop.ports import Lifetime

PARTITION = "lifetimes"


class LifetimeRecords:
    """The port `Lifetimes`."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def get(self, workshop: str) -> Lifetime | None:
        with aws.doing(f"reading how long the workshop {workshop} lives"):
            item = self._table.get_item(Key=_key(workshop), ConsistentRead=True).get("Item")
        return _lifetime(item["body"]) if item else None

    def all(self) -> Sequence[Lifetime]:
        with aws.doing(f"reading how long workshops live in {self._table.name}"):
            return [_lifetime(item["body"]) for item in query(self._table, Key("pk").eq(PARTITION))]

    def put(self, lifetime: Lifetime, seen: Lifetime | None) -> None:
        condition = Attr("body").eq(_body(seen)) if seen else Attr("pk").not_exists()
        item = {**_key(lifetime.workshop), "body": _body(lifetime)}
        with aws.doing(f"recording how long the workshop {lifetime.workshop} lives"):
            try:
                self._table.put_item(Item=item, ConditionExpression=condition)
            except ClientError as error:
                if aws.code(error) != REFUSED:
                    raise
                raise Conflict(f"the workshop {lifetime.workshop} was extended, or has ended, meanwhile") from error

    def delete(self, workshop: str) -> None:
        with aws.doing(f"forgetting how long the workshop {workshop} lives"):
            self._table.delete_item(Key=_key(workshop))


def _key(workshop: str) -> dict[str, str]:
    return {"pk": PARTITION, "sk": workshop}


def _body(lifetime: Lifetime) -> str:
    """One text for one value: it is what a later write is compared with."""
    return json.dumps({**asdict(lifetime), "expires": lifetime.expires.isoformat()}, sort_keys=True)


def _lifetime(body: str) -> Lifetime:
    found = json.loads(body)
    return Lifetime(**{**found, "expires": datetime.fromisoformat(found["expires"])})
