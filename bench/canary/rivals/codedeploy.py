"""AWS CodeDeploy: a clock, and CloudWatch alarms that roll back.

- CodeDeploy user guide, Working with deployment configurations: Canary10Percent5Minutes (10 %, after 5 minutes the
  rest), Canary10Percent30Minutes, Linear10PercentEvery1Minute, …EveryThreeMinutes (ECS), …Every10Minutes. The first
  part is shifted at once.
- CodeDeploy user guide, Monitoring deployments with CloudWatch alarms: any alarm in ALARM rolls back.
- The alarm of AWS's own example (aws-samples/aws-serverless-cicd-workshop, canaries/monitor): the new version's Errors,
  Sum, Period 60, EvaluationPeriods 2, Threshold 0, GreaterThanThreshold.
- CloudWatch user guide, Configuring how alarms treat missing data: by default (`missing`) a period without data is
  passed over; it neither breaches nor ends a streak.
Tuned alarms are on the new version's rate. After the last part the deployment has succeeded and nothing looks any more.
"""

import numpy as np
from numpy.typing import NDArray

from bench.canary.rivals import MULTIPLES
from bench.canary.rule import PROMOTED, ROLLED_BACK, RUNNING, Rule, Setting
from bench.canary.scenarios import SELDOM, Service
from bench.canary.world import Minute

FIRST = 0.1  # of every configuration
CANARY, LINEAR = 0, 1
CONFIGURATIONS = {
    "Canary10Percent5Minutes": (CANARY, 5),
    "Canary10Percent30Minutes": (CANARY, 30),
    "Linear10PercentEvery1Minute": (LINEAR, 1),
    "Linear10PercentEvery3Minutes": (LINEAR, 3),
}


def settings() -> list[Setting]:
    found = []
    for name, (kind, every) in CONFIGURATIONS.items():
        values = {"kind": kind, "every": every}
        found.append(Setting(f"documented ({name}, any error twice)", True, values | {"multiple": 0, "periods": 2}))
        for multiple in MULTIPLES:
            for periods in (1, 2, 3):
                setting = f"×{multiple:g} in {periods} of {periods} minutes, {name}"
                found.append(Setting(setting, False, values | {"multiple": multiple, "periods": periods}))
    return found


class CodeDeploy(Rule):
    name = "CodeDeploy"

    def __init__(self) -> None:
        self.settings = settings()

    def begin(self, service: Service, shape: tuple[int, int]) -> NDArray[np.float64]:
        self._limit, self._slow = self.column("multiple") * service.rate, self.column("multiple") * SELDOM
        self._streak = np.zeros(shape)
        return np.full(shape, FIRST)

    def judge(self, number: int, minute: Minute) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        data = minute.known & (minute.canary > 0)
        breach = minute.canary_errors > self._limit * minute.canary
        if minute.canary_slow is not None:
            breach |= (minute.canary_slow > self._slow * minute.canary) & (self.column("multiple") > 0)
        self._streak = np.where(data, np.where(breach, self._streak + 1, 0), self._streak)
        alarm = self._streak >= self.column("periods")
        parts = (number + 1) // self.column("every")
        share = np.where(self.column("kind") == CANARY, np.where(parts >= 1, 1.0, FIRST), FIRST * (parts + 1))
        done = share >= 1 - 1e-9
        outcome = np.where(alarm, ROLLED_BACK, np.where(done, PROMOTED, RUNNING))
        return np.broadcast_to(share, alarm.shape).copy(), outcome
