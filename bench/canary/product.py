"""Canario itself: the product's own `decide`, run by run."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.canary.rule import HELD, PROMOTED, ROLLED_BACK, RUNNING, Rule, Setting
from bench.canary.scenarios import Scenario, Service
from bench.canary.world import Minute
from canario.canary import Counts, Observation, Plan, Rollout, Tally, decide, start

OUTCOMES = {None: RUNNING, "promoted": PROMOTED, "rolled_back": ROLLED_BACK, "held": HELD}
BEGAN = datetime(2026, 11, 2, 12, tzinfo=UTC)
EDGE = 500.0  # milliseconds
WAITING = -1  # running, and has nothing to read yet
BAD_POD, SUCCESSOR = "pod-0", "pod-new"  # the first of the world's pods, and what it is called once it is replaced


class Canario(Rule):
    """Each setting is a plan: the defaults, with `minutes` as its deadline and the changes given."""

    name = "Canario"

    def __init__(self, minutes: int, changes: Mapping[str, Mapping[str, Any]], scenario: Scenario) -> None:
        latency = latency_fields() if scenario.slow else {}
        self.plans = [Plan.from_dict({"deadline_windows": minutes, **latency, **each}) for each in changes.values()]
        self.settings: Sequence[Setting] = [Setting(name, name == "default", {}) for name in changes]

    def begin(self, service: Service, shape: tuple[int, int]) -> NDArray[np.float64]:
        self._runs: list[list[Rollout]] = [[start(plan) for _ in range(shape[1])] for plan in self.plans]
        self._share = np.zeros(shape)
        self._outcome = np.full(shape, RUNNING)
        self._replaced = np.zeros(shape, dtype=bool)
        return self._share

    def replaced(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The pod that a decision named is replaced before the next minute, as the shell does."""
        return self._replaced

    def judge(self, number: int, minute: Minute) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        for row, runs in enumerate(self._runs):
            edges = len(self.plans[row].edges)
            for run in np.flatnonzero(self._outcome[row] == RUNNING):
                place = row, int(run)
                bad = SUCCESSOR if self._replaced[place] else BAD_POD
                window = _observation(number, float(self._share[place]), minute, place, edges, bad)
                runs[run], decision = decide(runs[run], window)
                self._share[place] = decision.share
                self._replaced[place] |= decision.suspect == BAD_POD
                self._outcome[place] = OUTCOMES[runs[run].outcome]
        return self._share.copy(), self._outcome.copy()


class Late(Canario):
    """Canario as it is deployed: a window is read one whole minute after it ended, so that its metrics are in.

    What happens in that minute happens at the old share, and after a change of share it is no evidence either: every
    change costs two minutes.
    """

    name = "Canario, a minute late"

    def begin(self, service: Service, shape: tuple[int, int]) -> NDArray[np.float64]:
        self._since = np.zeros(shape, dtype=int)
        self._before: Minute | None = None
        return super().begin(service, shape)

    def judge(self, number: int, minute: Minute) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        before, self._before = self._before, minute
        if before is None:
            return self._share.copy(), self._outcome.copy()
        shares, outcomes = self._share.copy(), self._outcome.copy()
        unread = self._since > number - 1
        self._outcome[unread & (outcomes == RUNNING)] = WAITING
        super().judge(number - 1, before)
        self._outcome[self._outcome == WAITING] = RUNNING
        self._since = np.where(self._share != shares, number + 1, self._since)
        return self._share.copy(), self._outcome.copy()


def latency_fields() -> dict[str, Any]:
    """A guard of the errors and one of the latency, both with the defaults."""
    guards = [
        {"name": "errors", "kind": "errors"},
        {"name": "latency", "kind": "latency", "edges": [EDGE]},
    ]
    return {"guards": guards}


def _observation(
    number: int, share: float, minute: Minute, place: tuple[int, int], edges: int, bad: str
) -> Observation:
    start = BEGAN + number * timedelta(minutes=1)
    if not minute.known[place]:
        return Observation(start, start + timedelta(minutes=1), share, None, None)
    pods = minute.pods or (None, None)
    canary = _counts(minute.canary, minute.canary_errors, minute.canary_slow, pods[0], place, edges, bad)
    baseline = _counts(minute.baseline, minute.baseline_errors, minute.baseline_slow, pods[1], place, edges, BAD_POD)
    return Observation(start, start + timedelta(minutes=1), share, canary, baseline)


def _counts(
    requests: NDArray[np.int64],
    errors: NDArray[np.int64],
    slow: NDArray[np.int64] | None,
    pods: tuple[NDArray[np.int64], NDArray[np.int64]] | None,
    place: tuple[int, int],
    edges: int,
    first: str,
) -> Counts:
    slower = (int(slow[place]),) if edges and slow is not None else ()
    named = zip(*(each[place] for each in pods), strict=True) if pods else ()
    tallies = [Tally(int(served), int(failed)) for served, failed in named]
    by_pod = {f"pod-{n}" if n else first: tally for n, tally in enumerate(tallies)}
    return Counts(int(requests[place]), int(errors[place]), slower, pods=by_pod)
