"""What a stage's function does in mode guided: `wait` for the machine, everything else for the attendee."""

from collections.abc import Mapping
from typing import Any

from canario.workshop import guided
from canario.workshop.request import Request, parse_request
from canario.workshop.run import Finish
from lambdas.composition import Composition

ACTIONS = ("wait", "attempt", "finish", "abandon")


def request(event: Mapping[str, Any], stage: str, made: Composition) -> Request:
    """The machine sends the request along; an attendee names the workshop, and what was asked is on record.

    Of a stage that does not wait nothing is on record here: the dialect is what the attendee's command says.
    """
    dialects = made.environment.dialects
    if "request" in event:
        return parse_request(event["request"], dialects=dialects)
    named = {name: event[name] for name in ("workshop", "mesh") if event.get(name) is not None}
    least = parse_request(named, dialects=dialects)
    waiting = made.guide.waits.get(least.workshop, stage)
    return parse_request(waiting.request, dialects=dialects) if waiting else least


def perform(action: str, stage: str, request: Request, made: Composition, event: Mapping[str, Any]) -> dict[str, Any]:
    if action == "wait":
        return guided.wait(stage, request, made.ports(), made.guide, event["run"], event["token"])
    if action == "attempt":
        return guided.attempt(stage, request, made.ports(), made.guide)
    if action == "finish":
        return guided.finish(stage, request, made.guide, Finish(event["finish"]))
    return guided.abandon(stage, request, made.guide, event["cause"])
