"""The records of rollouts in memory."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from canario.canary.instructions import Instruction
from canario.canary.ports import Lock, Steered, Target
from canario.errors import AlreadyRunning
from tests.fakes.now import NOW


@dataclass
class FakeRolloutRecords:
    """`locks`: which rollout holds a router, by `Target.key`. `written`: entries by rollout, sequence."""

    locks: dict[str, str] = field(default_factory=dict)
    written: dict[str, dict[int, Mapping[str, Any]]] = field(default_factory=dict)
    owners: dict[str, Lock] = field(default_factory=dict)
    routers: dict[str, Steered] = field(default_factory=dict)
    told: dict[str, list[Instruction]] = field(default_factory=dict)

    def lock(self, target: Target, rollout: str, owner: str, now: datetime) -> None:
        self.owners.setdefault(target.key, Lock(rollout, owner, now))
        if self.locks.setdefault(target.key, rollout) != rollout:
            raise AlreadyRunning(f"the router {target.key} has the rollout {self.locks[target.key]} already")

    def unlock(self, target: Target, rollout: str) -> None:
        if self.locks.get(target.key) == rollout:
            del self.locks[target.key]
            self.owners.pop(target.key, None)

    def holder(self, target: Target) -> Lock | None:
        rollout = self.locks.get(target.key)
        return self.owners.get(target.key, Lock(rollout, f"arn:{rollout}", NOW)) if rollout else None

    def steer(self, steered: Steered) -> None:
        self.routers[steered.target.key] = steered

    def settle(self, target: Target, rollout: str, outcome: str) -> None:
        found = self.routers.get(target.key)
        if found and found.rollout == rollout:
            self.routers[target.key] = replace(found, outcome=outcome)

    def steered(self) -> Sequence[Steered]:
        return list(self.routers.values())

    def instruct(self, rollout: str, instruction: Instruction) -> None:
        if instruction not in self.told.setdefault(rollout, []):
            self.told[rollout].append(instruction)

    def instructions(self, rollout: str) -> Sequence[Instruction]:
        return sorted(self.told.get(rollout, []), key=lambda each: each.at)

    def put(self, rollout: str, sequence: int, kind: str, body: Mapping[str, Any], now: datetime) -> None:
        entry = {**copy.deepcopy(dict(body)), "sequence": sequence, "kind": kind, "at": now.isoformat()}
        self.written.setdefault(rollout, {}).setdefault(sequence, entry)

    def entries(self, rollout: str) -> Sequence[Mapping[str, Any]]:
        return [copy.deepcopy(entry) for _, entry in sorted(self.written.get(rollout, {}).items())]
