"""Flagger's progressive canary.

From fluxcd/flagger:
- pkg/controller/scheduler.go, `advanceCanary`: once an interval, in this order: FailedChecks ≥ threshold rolls back; at
  weight 0 no analysis; a failed analysis adds 1 to FailedChecks, which a passed one never lowers, and keeps the weight;
  a passed one raises it. `runCanary`: by stepWeight up to maxWeight, at which the next passed analysis promotes.
- pkg/controller/scheduler_metrics.go, `runBuiltinMetricChecks`: request-success-rate below thresholdRange.min fails,
  request-duration above thresholdRange.max fails, and so does a query without values (`ErrNoValuesFound`).
- pkg/apis/flagger/v1beta1/canary.go: `AnalysisInterval` 60 s; `GetAnalysisThreshold`: 1 when none is set.
- docs/gitbook/usage/how-it-works.md: threshold 10, maxWeight 50, stepWeight 5, success rate at least 99 %, P99 at most
  500 ms; docs/gitbook/tutorials: threshold 5, stepWeight 10.
P99 above the limit is taken as: more than 1 % of the requests are slower than it.
"""

import numpy as np
from numpy.typing import NDArray

from bench.canary.rivals import MULTIPLES
from bench.canary.rule import PROMOTED, ROLLED_BACK, RUNNING, Rule, Setting
from bench.canary.scenarios import SELDOM, Service
from bench.canary.world import Minute

SUCCESS_RATE_MIN = 0.99
P99 = 0.01  # the part of the requests that may be slower
DOCUMENTED = (("how-it-works", 10, 0.05, 0.5), ("tutorial", 5, 0.10, 0.5), ("code's default threshold", 1, 0.10, 0.5))


def settings() -> list[Setting]:
    found = [
        Setting(f"documented ({name})", True, {"limit": 1 - SUCCESS_RATE_MIN, "multiple": 0, "threshold": threshold}
                | {"step": step, "most": most})
        for name, threshold, step, most in DOCUMENTED
    ]  # fmt: skip
    for multiple in MULTIPLES:
        for threshold in (1, 2, 5):
            for step in (0.01, 0.05, 0.1):
                name = f"×{multiple:g}, threshold {threshold}, stepWeight {100 * step:g}"
                values = {"limit": 0.0, "multiple": multiple, "threshold": threshold, "step": step, "most": 0.5}
                found.append(Setting(name, False, values, scheduled=step in (0.05, 0.1)))
    return found


class Flagger(Rule):
    name = "Flagger"

    def __init__(self) -> None:
        self.settings = settings()

    def begin(self, service: Service, shape: tuple[int, int]) -> NDArray[np.float64]:
        """The first tick finds weight 0 and raises it without an analysis."""
        self._limit = np.where(
            self.column("multiple") > 0, self.column("multiple") * service.rate, self.column("limit")
        )
        self._slow = np.where(self.column("multiple") > 0, self.column("multiple") * SELDOM, P99)
        self._failed = np.zeros(shape)
        self._share = np.broadcast_to(self.column("step"), shape).copy()
        return self._share

    def judge(self, number: int, minute: Minute) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        rolled_back = self._failed >= self.column("threshold")
        failed = self._fails(minute)
        self._failed = np.where(failed & ~rolled_back, self._failed + 1, self._failed)
        at_most = self._share >= self.column("most") - 1e-9
        promoted = ~rolled_back & ~failed & at_most
        rises = ~rolled_back & ~failed & ~at_most
        self._share = np.where(rises, np.minimum(self._share + self.column("step"), 1.0), self._share)
        return self._share, np.where(rolled_back, ROLLED_BACK, np.where(promoted, PROMOTED, RUNNING))

    def _fails(self, minute: Minute) -> NDArray[np.bool_]:
        nothing = ~minute.known | (minute.canary == 0)
        failed = nothing | (minute.canary_errors > self._limit * minute.canary)
        if minute.canary_slow is not None:
            failed |= minute.canary_slow > self._slow * minute.canary
        return failed
