"""`canario canary start`: a rollout of a template or of a file; several templates are run in their order."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from canario.canary.request import parse_rollout
from canario.cli.canary.desk import RolloutDesk, read_json, rollout_desk
from canario.cli.kinds import Commands, Unmet
from canario.errors import InvalidInput


def add(commands: Commands) -> None:
    parser = commands.add_parser("start", help="start a rollout; several templates: one after the other")
    parser.add_argument("templates", nargs="*", metavar="TEMPLATE", help="put there by canario canary template")
    parser.add_argument("--input", metavar="FILE", help="a rollout's input as JSON, instead of a template")
    parser.set_defaults(run=lambda given, session: start(given, rollout_desk(session)))


def start(given: argparse.Namespace, desk: RolloutDesk) -> Iterator[str]:
    """Raises Unmet after the last line when something did not start, InvalidInput."""
    answers = desk.functions.invoke("start", {"action": "start", "by": desk.me(), **_asked(given)})["answers"]
    for answer in answers:
        yield _line(answer)
    if any("frozen" in answer for answer in answers):
        raise Unmet


def _asked(given: argparse.Namespace) -> Mapping[str, Any]:
    if bool(given.templates) == bool(given.input):
        raise InvalidInput("TEMPLATE", given.templates or None, "templates, or --input with a file, and not both")
    if given.input:
        content = read_json("--input", given.input)
        parse_rollout(content)
        return {"input": content}
    if len(given.templates) == 1:
        return {"template": given.templates[0]}
    return {"templates": given.templates}


def _line(answer: Mapping[str, Any]) -> str:
    if "frozen" in answer:
        return f"{answer['template']} is not started: {answer['frozen']}"
    name = answer.get("rollout") or f"order-{answer.get('order')}"
    if not answer["started"]:
        return f"{name} has been started before"
    return f"started {name}; follow it with: canario canary show {name}"
