"""Argo Rollouts: canary steps with a background analysis.

From argoproj/argo-rollouts:
- analysis/analysis.go, `assessMetricStatus`: Failed when failed measurements > failureLimit (whose default is 0);
  Error when consecutive errors > consecutiveErrorLimit, `DefaultConsecutiveErrorLimit` = 4; both abort the rollout.
  A measurement that is not an error sets the consecutive errors to 0.
- docs/features/analysis.md, Background Analysis: setWeight 20, 40, 60, 80, each with pause 10m; interval 5m;
  successCondition result[0] >= 0.95; failureLimit 3; startingStep 2, so the first measurement is at 40 %.
Without requests the query's ratio is NaN, which is not ≥ 0.95: failed. A query without an answer (no result[0]) is an
error. A measurement covers the interval before it.
"""

import numpy as np
from numpy.typing import NDArray

from bench.canary.rivals import MULTIPLES
from bench.canary.rule import PROMOTED, ROLLED_BACK, RUNNING, Rule, Setting
from bench.canary.scenarios import SELDOM, Service
from bench.canary.world import Minute

CONSECUTIVE_ERROR_LIMIT = 4
SUCCESS = 0.95
SCHEDULES = ((0.2, 0.4, 0.6, 0.8), (0.05, 0.1, 0.2, 0.4, 0.8), (0.01, 0.03, 0.09, 0.27, 0.8))


def settings() -> list[Setting]:
    documented = {
        "limit": 1 - SUCCESS,
        "multiple": 0,
        "failures": 3,
        "interval": 5,
        "pause": 10,
        "schedule": 0,
        "from": 10,
    }
    found = [
        Setting("documented (background analysis)", True, documented),
        Setting("documented, failureLimit's default", True, documented | {"failures": 0, "from": 0}),
    ]
    for multiple in MULTIPLES:
        for failures in (0, 1, 3):
            for schedule, pause in ((0, 10), (1, 5), (2, 5)):
                name = f"×{multiple:g}, failureLimit {failures}, from {100 * SCHEDULES[schedule][0]:g} %"
                values = {"limit": 0, "multiple": multiple, "failures": failures, "interval": 1, "pause": pause}
                values |= {"schedule": schedule, "from": 0}
                found.append(Setting(name, False, values, scheduled=schedule == 0))
    return found


class Argo(Rule):
    name = "Argo Rollouts"

    def __init__(self) -> None:
        self.settings = settings()

    def begin(self, service: Service, shape: tuple[int, int]) -> NDArray[np.float64]:
        multiple = self.column("multiple")
        self._limit = np.where(multiple > 0, multiple * service.rate, self.column("limit"))
        self._slow = np.where(multiple > 0, multiple * SELDOM, self.column("limit"))
        self._failed, self._errors = np.zeros(shape), np.zeros(shape)
        self._sums = np.zeros((4, *shape))  # since the last measurement: requests, errors, slow, minutes with data
        self._shares = [SCHEDULES[int(each.values["schedule"])] for each in self.settings]
        return self._share(0, shape)

    def judge(self, number: int, minute: Minute) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        slow = minute.canary_slow if minute.canary_slow is not None else np.zeros_like(minute.canary)
        self._sums += minute.known * np.stack([minute.canary, minute.canary_errors, slow, np.ones_like(minute.canary)])
        due = ((number + 1) % self.column("interval") == 0) & (number + 1 > self.column("from"))
        self._measure(np.broadcast_to(due, minute.canary.shape))
        self._sums *= (number + 1) % self.column("interval") != 0
        aborted = (self._failed > self.column("failures")) | (self._errors > CONSECUTIVE_ERROR_LIMIT)
        steps = np.array([len(each) for each in self._shares])[:, None]
        done = np.broadcast_to(number + 1 >= steps * self.column("pause"), aborted.shape)
        outcome = np.where(aborted, ROLLED_BACK, np.where(done, PROMOTED, RUNNING))
        return self._share(number + 1, aborted.shape), outcome

    def _measure(self, due: NDArray[np.bool_]) -> None:
        requests, errors, slow, minutes = self._sums
        no_answer = minutes == 0
        failed = (requests == 0) | (errors > self._limit * requests) | (slow > self._slow * requests)
        self._failed += due & ~no_answer & failed
        self._errors = np.where(due, np.where(no_answer, self._errors + 1, 0), self._errors)

    def _share(self, number: int, shape: tuple[int, int]) -> NDArray[np.float64]:
        steps = [
            shares[min(int(number // each.values["pause"]), len(shares) - 1)]
            for each, shares in zip(self.settings, self._shares, strict=True)
        ]
        return np.broadcast_to(np.array(steps)[:, None], shape).copy()
