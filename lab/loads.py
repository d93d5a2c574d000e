"""Load on every workshop of a lab that has something to call: one generator a workshop, each at the same rate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from canario.errors import CanarioError
from canario.workshop.kinds import NAMESPACE
from canario.workshop.names import LABEL, names
from canario.workshop.ports import Kubernetes, Records
from lab.attached import AttachedLoad

FROM = "baseline"  # the stage after which there is something to call


class Loads:
    """Call `keep` often: it starts the load of a workshop whose stage baseline has passed, renews its lease, and stops
    it when the workshop is frozen. A workshop that was called once is not called again."""

    def __init__(self, lab: Path, kubernetes: Kubernetes, records: Records, rate: float, say: Callable[[str], None]):
        self._lab, self._kubernetes, self._records, self._rate = lab, kubernetes, records, rate
        self._say = say
        self._loads: dict[str, AttachedLoad] = {}

    def keep(self, now: datetime) -> None:
        for workshop in self._workshops():
            try:
                self._load(workshop).keep(now, wanted=self._is_wanted(workshop))
            except CanarioError as error:  # of one workshop's namespace, which may be going
                self._say(f"load on {workshop}: {error}")

    def stop(self, now: datetime) -> None:
        """End them all."""
        for load in self._loads.values():
            load.stop(now)

    def traffic(self) -> dict[str, dict[str, Any]]:
        """workshop → the counts of its load; those that were ever started."""
        found = {workshop: load.traffic() for workshop, load in sorted(self._loads.items())}
        return {workshop: counts for workshop, counts in found.items() if counts}

    def _workshops(self) -> list[str]:
        labels = (each["metadata"].get("labels", {}) for each in self._kubernetes.list(NAMESPACE))
        there = {str(each[LABEL]) for each in labels if LABEL in each}
        return sorted(there | set(self._loads))

    def _load(self, workshop: str) -> AttachedLoad:
        if workshop not in self._loads:
            self._loads[workshop] = AttachedLoad(self._lab, self._kubernetes, names(workshop), self._rate, alone=False)
        return self._loads[workshop]

    def _is_wanted(self, workshop: str) -> bool:
        return self._records.stages(workshop).get(FROM, {}).get("status") == "passed"


def brief(counts: dict[str, Any]) -> str:
    """One workshop's traffic in a line."""
    nodes = ", ".join(f"{node} {each['requests']}" for node, each in sorted(counts.get("by_node", {}).items()))
    return f"{counts.get('sent', 0)} sent, {counts.get('failed', 0)} failed ({nodes})"
