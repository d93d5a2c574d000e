"""Rollouts' templates, in the table of records: `pk` `templates`, `sk` the template's name, its JSON in `body`."""

import json
from collections.abc import Sequence
from typing import Any

from boto3.dynamodb.conditions import Key

from canario.adapters import aws
from canario.canary.template import Template, parse_template

TEMPLATES = "templates"


class TemplateRecords:
    """The port `Templates`."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def put(self, template: Template) -> None:
        item = {"pk": TEMPLATES, "sk": template.name, "body": json.dumps(template.given, sort_keys=True)}
        with aws.doing(f"putting the template {template.name} into {self._table.name}"):
            self._table.put_item(Item=item)

    def get(self, name: str) -> Template | None:
        with aws.doing(f"reading the template {name} in {self._table.name}"):
            item = self._table.get_item(Key={"pk": TEMPLATES, "sk": name}, ConsistentRead=True).get("Item")
        return None if item is None else parse_template(json.loads(item["body"]))

    def all(self) -> Sequence[Template]:
        arguments: dict[str, Any] = {"KeyConditionExpression": Key("pk").eq(TEMPLATES), "ConsistentRead": True}
        found: list[dict[str, Any]] = []
        with aws.doing(f"reading the templates in {self._table.name}"):
            while True:
                page = self._table.query(**arguments)
                found += page["Items"]
                if "LastEvaluatedKey" not in page:
                    return [parse_template(json.loads(item["body"])) for item in found]
                arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]
