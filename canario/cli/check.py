"""`canario check WORKSHOP [STAGE]`: which conditions hold, and the next hint."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from canario.cli.following import current, follow
from canario.cli.installation import Desk, desk
from canario.cli.kinds import Commands, Unmet, add_language, add_workshop
from canario.cli.texts import text
from canario.workshop.hints import APP_MESH, hints
from canario.workshop.names import names
from canario.workshop.stages import stage

SIGNS = {"passed": "✓", "failed": "✗"}


def add(commands: Commands) -> None:
    parser = commands.add_parser("check", help="run the checks of the stage that waits for you; get the next hint")
    add_workshop(parser)
    parser.add_argument("stage", nargs="?", help="default: the one that waits")
    add_language(parser)
    parser.set_defaults(run=lambda given, session: check(given, desk(session)))


def check(given: argparse.Namespace, desk: Desk) -> Iterator[str]:
    """Raises Unmet after the last line when a condition does not hold."""
    workshop = names(given.workshop).workshop
    this = stage(given.stage or current(workshop, desk))
    lifetime = desk.lifetimes.get(workshop)
    dialect = {"mesh": lifetime.mesh} if lifetime and lifetime.mesh else {}
    answer = desk.functions.invoke(this.id, {"action": "attempt", "workshop": workshop, **dialect})
    yield text(given.lang, "stage", stage=this.id, section=this.section)
    yield from (_line(result) for result in answer["checks"])
    if answer["status"] == "passed":
        yield text(given.lang, "holds" if answer["waiting"] else "holds_not_waiting")
        if answer["waiting"]:
            yield from follow(workshop, this.id, desk, given.lang)
        return
    yield from _unmet(answer, workshop, given.lang)
    raise Unmet


def _line(result: Mapping[str, Any]) -> str:
    return f"  {SIGNS.get(result['status'], '?')} {result['name']}: {result['message']}"


def _unmet(answer: Mapping[str, Any], workshop: str, language: str) -> Iterator[str]:
    if not answer["waiting"]:
        yield text(language, "unmet_not_waiting")
        return
    unmet = sum(result["status"] != "passed" for result in answer["checks"])
    yield text(language, "unmet", unmet=unmet, all=len(answer["checks"]), workshop=workshop)
    yield from _hint(answer, workshop, language)


def _hint(answer: Mapping[str, Any], workshop: str, language: str) -> Iterator[str]:
    """One more after every attempt that failed; the solution comes last, and stays."""
    found = hints(answer["stage"], language, names(workshop), answer.get("mesh", APP_MESH))
    if not found:
        yield text(language, "no_hints")
        return
    number = min(int(answer["attempts"]), len(found))
    yield ""
    yield text(language, "solution" if number == len(found) else "hint", number=number, all=len(found))
    yield found[number - 1]
