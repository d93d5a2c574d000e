"""AWS's Step Functions sample for canaries on App Mesh.

After the description in the project's CANARY notes: it sums the 5xx of both versions together over a window that is
longer than its step; a sum above a constant rolls back; no data is healthy. Its own source could not be looked up when
this was written, so the constants below (10 % every 5 minutes, a window of 10 minutes, a constant of 10) are this
bench's, not AWS's; tuned ones are multiples of what both versions usually fail in the window.
"""

import numpy as np
from numpy.typing import NDArray

from bench.canary.rivals import MULTIPLES
from bench.canary.rule import PROMOTED, ROLLED_BACK, RUNNING, Rule, Setting
from bench.canary.scenarios import SELDOM, Service
from bench.canary.world import Minute

STEP, EVERY, WINDOW, CONSTANT = 0.1, 5, 10, 10


def settings() -> list[Setting]:
    found = [Setting("described", True, {"multiple": 0, "every": EVERY, "window": WINDOW})]
    for multiple in MULTIPLES:
        for every in (1, 3, 5):
            values = {"multiple": multiple, "every": every, "window": 2 * every}
            found.append(Setting(f"×{multiple:g}, 10 % each {every} min", False, values))
    return found


class AppMeshSample(Rule):
    name = "App Mesh sample"

    def __init__(self) -> None:
        self.settings = settings()

    def begin(self, service: Service, shape: tuple[int, int]) -> NDArray[np.float64]:
        window, multiple = self.column("window"), self.column("multiple")
        usual = multiple * service.requests * window
        self._limit = np.where(multiple > 0, usual * service.rate, CONSTANT)
        self._slow = np.where(multiple > 0, usual * SELDOM, np.inf)
        self._errors: list[NDArray[np.float64]] = []
        self._slows: list[NDArray[np.float64]] = []
        return np.full(shape, STEP)

    def judge(self, number: int, minute: Minute) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        slow = 0 * minute.canary if minute.canary_slow is None else minute.canary_slow + minute.baseline_slow
        self._errors.append(minute.known * (minute.canary_errors + minute.baseline_errors))
        self._slows.append(minute.known * slow)
        above = (self._sum(self._errors) > self._limit) | (self._sum(self._slows) > self._slow)
        share = np.broadcast_to(STEP * (1 + (number + 1) // self.column("every")), above.shape)
        looks = (number + 1) % self.column("every") == 0
        rolled_back = above & looks
        done = share >= 1 - 1e-9
        outcome = np.where(rolled_back, ROLLED_BACK, np.where(done, PROMOTED, RUNNING))
        return np.minimum(share, 1.0), outcome

    def _sum(self, minutes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Over each setting's window."""
        windows = self.column("window")[:, 0].astype(int)
        return np.stack([sum(each[row] for each in minutes[-length:]) for row, length in enumerate(windows)])
