"""The bus in memory."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class FakeEvents:
    put_events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def put(self, kind: str, detail: Mapping[str, Any]) -> None:
        self.put_events.append((kind, copy.deepcopy(dict(detail))))
