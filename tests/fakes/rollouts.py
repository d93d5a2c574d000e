"""In-memory stand-ins for what operating rollouts reaches, beside those of a stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from canario.canary import Tally
from canario.canary.ports import Measure, Target, Wanted
from canario.canary.template import Template
from canario.errors import RemoteError


@dataclass
class FakeTokens:
    """`kept`: the token of each rollout that waits; `woken`: those that were ended, in order."""

    kept: dict[str, str] = field(default_factory=dict)
    woken: list[str] = field(default_factory=list)

    def keep(self, rollout: str, token: str) -> None:
        self.kept[rollout] = token

    def wake(self, rollout: str) -> bool:
        token = self.kept.pop(rollout, None)
        if token is not None:
            self.woken.append(token)
        return token is not None


@dataclass
class FakeController:
    measured: list[Measure] = field(default_factory=list)

    def put(self, measures: Sequence[Measure], now: datetime) -> None:
        self.measured += measures

    def values(self, name: str) -> list[float]:
        return [each.value for each in self.measured if each.name == name]


@dataclass
class FakeWorkloads:
    """Images by "namespace/deployment/container"; `troubles` by deployment."""

    images: dict[str, str] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)

    def set_image(self, namespace: str, deployment: str, container: str, reference: str) -> None:
        self.images[f"{namespace}/{deployment}/{container}"] = reference

    def trouble(self, namespace: str, deployment: str) -> str | None:
        return self.troubles.get(deployment)


@dataclass
class FakeFaults:
    """Sampled traces by node and window's start; `fails`: X-Ray does not answer."""

    nodes: dict[str, dict[datetime, Tally]] = field(default_factory=dict)
    fails: bool = False

    def read(self, wanted: Wanted) -> Mapping[datetime, Tally]:
        if self.fails:
            raise RemoteError("X-Ray does not answer")
        found = self.nodes.get(wanted.node, {})
        return {start: tally for start, tally in found.items() if wanted.start <= start < wanted.end}


@dataclass
class FakePods:
    """Pods by node; `deleted`: those that were, in order; `fails`: the cluster does not answer."""

    nodes: dict[str, list[str]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    fails: bool = False

    def of(self, target: Target, node: str) -> Sequence[str]:
        self._answer()
        return self.nodes.get(node, [])

    def replace(self, target: Target, pod: str) -> None:
        self._answer()
        self.deleted.append(pod)

    def _answer(self) -> None:
        if self.fails:
            raise RemoteError("the cluster does not answer")


@dataclass
class FakeAlarms:
    """The names of those in ALARM."""

    alarmed: set[str] = field(default_factory=set)

    def going_off(self, names: Sequence[str], prefix: str) -> Sequence[str]:
        return sorted(name for name in self.alarmed if name in names or name.startswith(prefix))


@dataclass
class FakeExecutions:
    """The ARNs of those that run."""

    running: set[str] = field(default_factory=set)

    def is_running(self, arn: str) -> bool:
        return arn in self.running


@dataclass
class FakeTemplates:
    there: dict[str, Template] = field(default_factory=dict)

    def put(self, template: Template) -> None:
        self.there[template.name] = template

    def get(self, name: str) -> Template | None:
        return self.there.get(name)

    def all(self) -> Sequence[Template]:
        return list(self.there.values())


@dataclass
class FakeCalendars:
    """The change calendars that are closed."""

    shut: set[str] = field(default_factory=set)

    def closed(self, calendars: Sequence[str], at: datetime) -> bool:
        return bool(self.shut & set(calendars))


@dataclass
class FakeStarter:
    """What was started, by name."""

    started: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def start(self, name: str, content: Mapping[str, Any]) -> bool:
        if name in self.started:
            return False
        self.started[name] = content
        return True
