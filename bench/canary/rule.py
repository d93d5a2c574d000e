"""What every rule is: settings of it run side by side, minute by minute, over the same scenario."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.canary.scenarios import Scenario, Service
from bench.canary.world import Minute, World

RUNNING, PROMOTED, ROLLED_BACK, HELD = range(4)


@dataclass(frozen=True)
class Setting:
    """One setting of a rule; `values` are its own. `scheduled`: its shares and times are documented ones."""

    name: str
    documented: bool
    values: dict[str, float]
    scheduled: bool = True


@dataclass(frozen=True)
class Runs:
    """How each run of each setting ended: arrays of settings × repetitions. Minutes until then; extra failures until
    then, and until as long again after the longest rollout, in which a promoted canary has all traffic: without that
    time a canary missed at the last minute would cost nothing."""

    outcome: NDArray[np.int64]
    minutes: NDArray[np.float64]
    extra: NDArray[np.float64]
    extra_in_all: NDArray[np.float64]


class Rule(ABC):
    """A rule's settings as columns, so that all of them run at once. Shapes: settings × repetitions."""

    name: str
    settings: Sequence[Setting]

    def column(self, name: str) -> NDArray[np.float64]:
        """One value of every setting, to broadcast over the repetitions."""
        return np.array([each.values[name] for each in self.settings])[:, None]

    @abstractmethod
    def begin(self, service: Service, shape: tuple[int, int]) -> NDArray[np.float64]:
        """The first minute's shares. Starts all runs anew."""

    @abstractmethod
    def judge(self, number: int, minute: Minute) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """After the minute: the shares that follow, and the outcomes; those of ended runs are not read."""

    def replaced(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The runs whose bad pod has been replaced by now. Only a rule that names a pod has any."""
        return np.zeros(shape, dtype=bool)


def simulate(rule: Rule, scenario: Scenario, minutes: int, repetitions: int, seed: np.random.SeedSequence) -> Runs:
    """All settings of the rule over the scenario for so many minutes. What runs on at the end is held."""
    shape = len(rule.settings), repetitions
    world = World(scenario, seed)
    share = rule.begin(scenario.service, shape)
    outcome = np.full(shape, RUNNING)
    ended = np.full(shape, float(minutes))
    extra, in_all = np.zeros(shape), np.zeros(shape)
    for number in range(minutes):
        running = outcome == RUNNING
        lived = np.where(running, share, (outcome == PROMOTED).astype(float))
        minute = world.minute(number, lived, rule.replaced(shape))
        extra += np.where(running, minute.extra, 0.0)
        in_all += minute.extra
        if running.any():
            following, found = rule.judge(number, minute)
            share = np.where(running, following, share)
            ended = np.where(running & (found != RUNNING), number + 1, ended)
            outcome = np.where(running, found, outcome)
    after = sum(world.extra_a_minute(number) for number in range(minutes, 2 * minutes))
    in_all += np.where(outcome == PROMOTED, after, 0.0)
    return Runs(np.where(outcome == RUNNING, HELD, outcome), ended, extra, in_all)
