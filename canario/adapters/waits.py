"""The stages that wait for their attendee, in the table of records.

| pk                | sk              | what                                                         |
|-------------------|-----------------|--------------------------------------------------------------|
| `waiting#<id>`    | `stage#<stage>` | the task token, the run, its request, attempts that failed   |

A partition of its own: who may read a workshop's records does not see its tokens.
"""

import json
from typing import Any

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from canario.adapters import aws
from canario.adapters.records import REFUSED
from canario.errors import NotWaiting
from canario.workshop.guided import Waiting


class WaitRecords:
    """The port `Waits`."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def put(self, workshop: str, stage: str, waiting: Waiting) -> None:
        item = {
            **_key(workshop, stage),
            "token": waiting.token,
            "run": waiting.run,
            "request": json.dumps(waiting.request),
            "attempts": waiting.attempts,
        }
        with aws.doing(f"recording that the stage {stage} of the workshop {workshop} waits"):
            self._table.put_item(Item=item)

    def get(self, workshop: str, stage: str) -> Waiting | None:
        with aws.doing(f"reading whether the stage {stage} of the workshop {workshop} waits"):
            item = self._table.get_item(Key=_key(workshop, stage), ConsistentRead=True).get("Item")
        return item and Waiting(item["run"], json.loads(item["request"]), item["token"], int(item["attempts"]))

    def count(self, workshop: str, stage: str) -> int:
        with aws.doing(f"counting an attempt at the stage {stage} of the workshop {workshop}"):
            try:
                answer = self._table.update_item(
                    Key=_key(workshop, stage),
                    UpdateExpression="ADD attempts :one",
                    ConditionExpression=Attr("pk").exists(),
                    ExpressionAttributeValues={":one": 1},
                    ReturnValues="UPDATED_NEW",
                )
            except ClientError as error:
                if aws.code(error) != REFUSED:
                    raise
                raise NotWaiting(f"stage {stage} of the workshop {workshop} went on meanwhile") from error
        return int(answer["Attributes"]["attempts"])

    def delete(self, workshop: str, stage: str) -> None:
        with aws.doing(f"forgetting that the stage {stage} of the workshop {workshop} waits"):
            self._table.delete_item(Key=_key(workshop, stage))


def _key(workshop: str, stage: str) -> dict[str, str]:
    return {"pk": f"waiting#{workshop}", "sk": f"stage#{stage}"}
