"""What a workshop reaches beside the cluster: images, records, permissions, waits."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from canario.errors import NotWaiting
from canario.workshop.guided import Waiting


@dataclass
class FakeImages:
    """Images by "repository:tag"; those of `tag` are in use."""

    digests: dict[str, str] = field(default_factory=dict)
    registry: str = "123456789012.dkr.ecr.us-west-1.amazonaws.com"
    tag: str = "v1"

    def digest(self, repository: str) -> str | None:
        return self.digests.get(f"{repository}:{self.tag}")

    def reference(self, repository: str) -> str:
        return f"{self.registry}/{repository}:{self.tag}"


@dataclass
class FakeWorkshopRecords:
    """`current` by workshop and stage; `written` is the history, by workshop."""

    current: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    written: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def put_stage(self, workshop: str, run: str, stage: str, body: Mapping[str, Any], now: datetime) -> None:
        record = {**copy.deepcopy(dict(body)), "run": run, "stage": stage, "at": now.isoformat()}
        self.current.setdefault(workshop, {})[stage] = record
        self.written.setdefault(workshop, []).append(record)

    def stages(self, workshop: str) -> Mapping[str, Mapping[str, Any]]:
        return copy.deepcopy(self.current.get(workshop, {}))

    def history(self, workshop: str) -> Sequence[Mapping[str, Any]]:
        return sorted(copy.deepcopy(self.written.get(workshop, [])), key=lambda record: str(record["at"]))

    def forget(self, workshop: str) -> None:
        self.current.pop(workshop, None)


@dataclass
class FakePermissions:
    asked: list[str] = field(default_factory=lambda: ["create deployments"])
    lacking: list[str] = field(default_factory=list)

    def tried(self) -> Sequence[str]:
        return list(self.asked)

    def missing(self) -> Sequence[str]:
        return list(self.lacking)


@dataclass
class FakeWaits:
    """The stages that wait, by workshop and stage."""

    waiting: dict[tuple[str, str], Waiting] = field(default_factory=dict)

    def put(self, workshop: str, stage: str, waiting: Waiting) -> None:
        self.waiting[workshop, stage] = waiting

    def get(self, workshop: str, stage: str) -> Waiting | None:
        return self.waiting.get((workshop, stage))

    def count(self, workshop: str, stage: str) -> int:
        if (workshop, stage) not in self.waiting:
            raise NotWaiting(f"stage {stage} of the workshop {workshop} went on meanwhile")
        found = self.waiting[workshop, stage]
        self.waiting[workshop, stage] = replace(found, attempts=found.attempts + 1)
        return found.attempts + 1

    def delete(self, workshop: str, stage: str) -> None:
        self.waiting.pop((workshop, stage), None)


@dataclass
class FakeTasks:
    """`open`: the tokens that a task waits for; what became of the others is in `ended`."""

    open: set[str] = field(default_factory=set)
    ended: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    heartbeats: list[str] = field(default_factory=list)

    def succeed(self, token: str, output: Mapping[str, Any]) -> None:
        self._end(token, dict(output))

    def fail(self, token: str, error: str, cause: str) -> None:
        self._end(token, {"error": error, "cause": cause})

    def heartbeat(self, token: str) -> None:
        self._known(token)
        self.heartbeats.append(token)

    def _end(self, token: str, how: Mapping[str, Any]) -> None:
        self._known(token)
        self.open.discard(token)
        self.ended[token] = how

    def _known(self, token: str) -> None:
        if token not in self.open:
            raise NotWaiting("the execution does not wait for this stage any more")
