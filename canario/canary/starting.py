"""A rollout's start by a person, an image push or a schedule; never in a freeze, never twice for one cause."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from canario.canary.ports import Events, Routers
from canario.canary.request import RolloutRequest
from canario.canary.template import Template
from canario.errors import InvalidInput

DIGEST = 12  # characters of an image's digest in a rollout's name


class Templates(Protocol):
    def put(self, template: Template) -> None: ...

    def get(self, name: str) -> Template | None: ...

    def all(self) -> Sequence[Template]: ...


class Calendars(Protocol):
    def closed(self, calendars: Sequence[str], at: datetime) -> bool:
        """Whether one of the SSM change calendars is closed then. Raises RemoteError."""


class Starter(Protocol):
    def start(self, name: str, content: Mapping[str, Any]) -> bool:
        """Start the execution; False when one of that name has been started already."""


@dataclass(frozen=True)
class Office:
    """What starts rollouts reaches. `machine` runs one rollout, `in_order` several."""

    templates: Templates
    calendars: Calendars
    machine: Starter
    in_order: Starter
    routers: Routers
    events: Events


@dataclass(frozen=True)
class Cause:
    """Why something starts: `by` in words, and what makes its name this cause's own."""

    by: str
    mark: str
    reference: str | None = None  # of the image that was pushed


def push_of(event: Mapping[str, Any], registry: str) -> tuple[str, str, Cause]:
    """ECR's event of a push → repository, tag, cause; the image's reference is by its digest, which nobody moves."""
    detail = event["detail"]
    repository, tag, digest = detail["repository-name"], detail.get("image-tag", ""), detail["image-digest"]
    by = f"the push of {repository}:{tag}"
    mark = digest.removeprefix("sha256:")[:DIGEST]
    return repository, tag, Cause(by, mark, f"{registry}/{repository}@{digest}")


def start_pushed(repository: str, tag: str, cause: Cause, office: Office, now: datetime) -> list[dict[str, Any]]:
    """Every template that the push belongs to; none is no error: most pushes are nobody's rollout."""
    taken = [each for each in office.templates.all() if each.takes(repository, tag)]
    return [start_template(each, cause, office, now) for each in taken]


def start_named(name: str, cause: Cause, office: Office, now: datetime) -> dict[str, Any]:
    return start_template(_template(name, office), cause, office, now)


def start_template(template: Template, cause: Cause, office: Office, now: datetime) -> dict[str, Any]:
    """`{"rollout", "started"}`, or `{"template", "frozen": why}`: then nothing starts, and the bus is told."""
    frozen = _frozen(template, office, now)
    if frozen:
        return _say_frozen(template.name, template.request.target.workshop, frozen, cause, office)
    share = office.routers.read(template.request.target).share
    return start(f"{template.name}-{cause.mark}", template.request_for(share, cause.by, cause.reference), office)


def start(rollout: str, request: RolloutRequest, office: Office) -> dict[str, Any]:
    """One rollout; a second start under the same name is the same rollout."""
    started = office.machine.start(rollout, {**request.to_dict(), "rollout": rollout})
    return {"rollout": rollout, "started": started}


def start_in_order(names: Sequence[str], cause: Cause, office: Office, now: datetime) -> dict[str, Any]:
    """The templates' rollouts one after the other, each only when the one before it was promoted."""
    templates = [_template(name, office) for name in names]
    if not templates:
        raise InvalidInput("templates", list(names), "one template or more, in their order")
    for template in templates:
        frozen = _frozen(template, office, now)
        if frozen:
            return _say_frozen(template.name, template.request.target.workshop, frozen, cause, office)
    order = f"{templates[0].name}-and-{len(templates) - 1}-more-{cause.mark}"
    rollouts = []
    for template in templates:
        share = office.routers.read(template.request.target).share
        named = {"rollout": f"{template.name}-{cause.mark}"}
        rollouts.append(template.request_for(share, cause.by).to_dict() | named)
    started = office.in_order.start(order, {"order": order, "by": cause.by, "rollouts": rollouts})
    return {"order": order, "started": started}


def mark(text: str) -> str:
    """Anything as a part of an execution's name."""
    return re.sub(r"[^A-Za-z0-9]+", "", text)[:32] or "now"


def _template(name: str, office: Office) -> Template:
    found = office.templates.get(name)
    if found is None:
        known = ", ".join(each.name for each in office.templates.all()) or "none is there yet"
        raise InvalidInput("template", name, f"a template that was put by canario canary template: {known}")
    return found


def _frozen(template: Template, office: Office, now: datetime) -> str | None:
    freeze = template.freeze
    closed = freeze.calendars and office.calendars.closed(freeze.calendars, now)
    return f"a change calendar is closed ({', '.join(freeze.calendars)})" if closed else freeze.window(now)


def _say_frozen(name: str, workshop: str, frozen: str, cause: Cause, office: Office) -> dict[str, Any]:
    detail = {"workshop": workshop, "rollout": f"{name}-{cause.mark}", "template": name, "by": cause.by}
    office.events.put("RolloutFrozen", {**detail, "reason": frozen})
    return {"template": name, "frozen": frozen}
