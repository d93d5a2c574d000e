"""A rollout's template: what an image push, a schedule or a person starts by its name, and when not."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from canario.canary.fields import mapping, moment
from canario.canary.ports import Target
from canario.canary.request import FIELDS as INPUT
from canario.canary.request import RolloutRequest, parse_rollout
from canario.errors import InvalidInput

FIELDS = ("name", *(name for name in INPUT if name not in ("rollout", "image", "by")), "push", "freeze")
PUSH = ("repository", "tags", "container", "deployments")
FREEZE = ("calendars", "windows")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Push:
    """Which pushes start it: of this repository, with a tag that one of the patterns matches.

    `deployments`: node → its Deployment; the canary's gets the image that was pushed, in `container`.
    """

    repository: str
    tags: tuple[str, ...]
    container: str
    deployments: Mapping[str, str]


@dataclass(frozen=True)
class Freeze:
    """When nothing starts: while one of the SSM change calendars is closed, or within [start, end) of a window."""

    calendars: tuple[str, ...] = ()
    windows: tuple[tuple[datetime, datetime], ...] = ()

    def window(self, now: datetime) -> str | None:
        """The window that `now` is in, in words."""
        found = next(((start, end) for start, end in self.windows if start <= now < end), None)
        return found and f"frozen from {found[0].isoformat()} to {found[1].isoformat()}"


@dataclass(frozen=True)
class Template:
    name: str
    request: RolloutRequest
    push: Push | None
    freeze: Freeze
    given: Mapping[str, Any]  # as it was written

    def takes(self, repository: str, tag: str) -> bool:
        """Whether this push starts it."""
        push = self.push
        return (
            push is not None
            and push.repository == repository
            and any(fnmatch.fnmatchcase(tag, pattern) for pattern in push.tags)
        )

    def request_for(self, share: float, by: str, reference: str | None = None) -> RolloutRequest:
        """The request, when the router gives the template's canary `share`.

        After a promotion the two nodes have changed places: the one without traffic is the next canary.
        """
        target = self.request.target
        turned = replace(target, baseline=target.canary, canary=target.baseline) if share >= 1 else target
        return replace(self.request, target=turned, image=self._image(turned, reference), by=by)

    def _image(self, target: Target, reference: str | None) -> Mapping[str, str] | None:
        if self.push is None or reference is None:
            return None
        deployment = self.push.deployments[target.canary]
        return {"deployment": deployment, "container": self.push.container, "reference": reference}


def parse_template(given: object) -> Template:
    """Raises InvalidInput naming the field."""
    values = mapping("template", given, FIELDS)
    name = values.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidInput("name", name, "a DNS label of at most 40 characters")
    request = parse_rollout({field: values[field] for field in values if field in INPUT})
    push = None if values.get("push") is None else _push(values["push"], request.target)
    return Template(name, request, push, _freeze(values.get("freeze", {})), dict(values))


def _push(given: object, target: Target) -> Push:
    values = mapping("push", given, PUSH, whole=True)
    nodes = {target.baseline, target.canary}
    deployments = values["deployments"]
    if not isinstance(deployments, Mapping) or set(deployments) != nodes:
        raise InvalidInput("push.deployments", deployments, f"the Deployment of each node: {', '.join(sorted(nodes))}")
    return Push(str(values["repository"]), _patterns(values["tags"]), str(values["container"]), dict(deployments))


def _patterns(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not given or not all(isinstance(each, str) and each for each in given):
        raise InvalidInput("push.tags", given, 'a list of patterns such as ["v*", "latest"]')
    return tuple(given)


def _freeze(given: object) -> Freeze:
    values = mapping("freeze", given, FREEZE)
    calendars = values.get("calendars", [])
    if not isinstance(calendars, list) or not all(isinstance(each, str) and each for each in calendars):
        raise InvalidInput("freeze.calendars", calendars, "a list of SSM change calendars' names or ARNs")
    windows = values.get("windows", [])
    if not isinstance(windows, list):
        raise InvalidInput("freeze.windows", windows, 'a list of {"start": …, "end": …}')
    return Freeze(tuple(calendars), _windows(windows))


def _windows(given: Sequence[object]) -> tuple[tuple[datetime, datetime], ...]:
    found = []
    for number, each in enumerate(given):
        field = f"freeze.windows[{number}]"
        values = mapping(field, each, ("start", "end"), whole=True)
        start, end = (moment(f"{field}.{name}", values[name]) for name in ("start", "end"))
        if start.utcoffset() is None or end.utcoffset() is None or end <= start:
            raise InvalidInput(field, each, "a start before its end, both with their offset: 2026-12-20T00:00:00-03:00")
        found.append((start, end))
    return tuple(found)
