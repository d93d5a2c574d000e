"""A plan from the command line: files of JSON, and fields as name=value."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canario.canary import Plan
from canario.errors import InvalidInput

HELP = "the plan: a JSON file, or name=value for one field (repeatable; the later wins)"


def plan_of(given: Sequence[str]) -> Plan:
    """Raises InvalidInput that names the file, or the field."""
    fields: dict[str, Any] = {}
    for each in given:
        name, is_field, value = each.partition("=")
        fields |= {name.strip(): _value(value)} if is_field else _file(Path(each))
    return Plan.from_dict(fields)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # Plan refuses it by the field's name


def _file(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput("plan", str(path), f"a file with a plan as JSON, or name=value ({error})") from error
    if not isinstance(found, dict):
        raise InvalidInput("plan", str(path), "a file with one JSON object")
    return found
