"""In-memory stand-ins for how long workshops live, and for their executions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from canario.errors import Conflict, NotReady
from canario.workshop.ports import Lifetime


@dataclass
class FakeLifetimes:
    kept: dict[str, Lifetime] = field(default_factory=dict)

    def get(self, workshop: str) -> Lifetime | None:
        return self.kept.get(workshop)

    def all(self) -> Sequence[Lifetime]:
        return [self.kept[workshop] for workshop in sorted(self.kept)]

    def put(self, lifetime: Lifetime, seen: Lifetime | None) -> None:
        if self.kept.get(lifetime.workshop) != seen:
            raise Conflict(f"the workshop {lifetime.workshop} was extended, or has ended, meanwhile")
        self.kept[lifetime.workshop] = lifetime

    def delete(self, workshop: str) -> None:
        self.kept.pop(workshop, None)


@dataclass
class FakeMachine:
    """`started`: every execution's input by its name; those that run are in `running`."""

    started: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    stopped: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, content: Mapping[str, Any]) -> str:
        if name in self.started:
            raise NotReady(f"the execution {name} has been started already")
        self.started[name] = dict(content)
        self.running.add(name)
        return f"arn:{name}"

    def stop(self, name: str, cause: str) -> None:
        if name in self.running:
            self.running.discard(name)
            self.stopped[name] = cause
