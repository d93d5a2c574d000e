"""The rivals' best settings on this very grid, at a false-rollback rate that is given; and the comparison with them.

Harm is the extra failed requests: until the rollback or the hold; of a bad canary that was promoted, all that it fails
until as long again after the longest rollout. 1 is added, so that a scenario without harm has a ratio.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.canary.measures import geometric
from bench.canary.rule import PROMOTED, ROLLED_BACK, Runs, Setting
from bench.canary.scenarios import Scenario

HARMFUL = ("bad", "turning")


@dataclass(frozen=True)
class Table:
    """One rule's settings and its runs in each scenario, in the scenarios' order."""

    rule: str
    settings: Sequence[Setting]
    runs: Sequence[Runs]


@dataclass(frozen=True)
class Point:
    """A setting's false rollbacks, of all its healthy runs, and its harm, geometric mean over the bad scenarios."""

    setting: int
    false: float
    harm: float


Which = Callable[[Scenario], bool]


def harm(table: Table, scenario: int, setting: int) -> float:
    return float(table.runs[scenario].extra_in_all[setting].mean()) + 1


def false_rollbacks(table: Table, scenario: int, setting: int) -> float:
    return float(np.mean(table.runs[scenario].outcome[setting] == ROLLED_BACK))


def points(table: Table, scenarios: Sequence[Scenario], which: Which = lambda _: True) -> list[Point]:
    """Every setting, over the scenarios that are asked for. Empty without a healthy and a bad one among them."""
    healthy = [n for n, each in enumerate(scenarios) if each.truth == "null" and which(each)]
    bad = [n for n, each in enumerate(scenarios) if each.truth in HARMFUL and which(each)]
    if not healthy or not bad:
        return []
    return [
        Point(
            setting,
            float(np.mean([false_rollbacks(table, n, setting) for n in healthy])),
            geometric([harm(table, n, setting) for n in bad]),
        )
        for setting in range(len(table.settings))
    ]


def best(found: Sequence[Point], false: float) -> Point | None:
    """The least harm among settings with at most that rate of false rollbacks; None: no setting is that quiet."""
    quiet = [each for each in found if each.false <= false + 1e-9]
    return min(quiet, key=lambda each: (each.harm, each.false), default=None)


def frontier(found: Sequence[Point]) -> list[Point]:
    """The operating curve: settings that no other beats in both, from the fewest false rollbacks on."""
    kept: list[Point] = []
    for each in sorted(found, key=lambda each: (each.false, each.harm)):
        if not kept or each.harm < kept[-1].harm:
            kept.append(each)
    return kept


def until_rollback(table: Table, scenario: int, setting: int, missed: float) -> float | None:
    """Extra failures until the rollback, of the runs that were; None where more than `missed` of them were not."""
    runs = table.runs[scenario]
    found = runs.outcome[setting] == ROLLED_BACK
    if np.mean(runs.outcome[setting] == PROMOTED) > missed or not found.any():
        return None
    return float(runs.extra[setting][found].mean()) + 1


def ratios_until_rollback(
    mine: Table, setting: int, rivals: Mapping[str, tuple[Table, int]], scenarios: Sequence[Scenario], missed: float
) -> list[tuple[Scenario, str, float]]:
    """The same of what failed before the rollback, beside rivals that promote no more bad canaries than `missed`."""
    found = []
    for n, scenario in enumerate(scenarios):
        own = until_rollback(mine, n, setting, missed) if scenario.truth in HARMFUL else None
        others = [(name, until_rollback(table, n, k, missed)) for name, (table, k) in rivals.items()]
        known = [(name, value) for name, value in others if value is not None]
        if own is not None and known:
            name, least = min(known, key=lambda each: each[1])
            found.append((scenario, name, own / least))
    return found


def ratios(
    mine: Table, setting: int, rivals: Mapping[str, tuple[Table, int]], scenarios: Sequence[Scenario]
) -> list[tuple[Scenario, str, float]]:
    """For each bad scenario the best rival there, and Canario's harm ÷ that rival's."""
    found = []
    for n, scenario in enumerate(scenarios):
        if scenario.truth not in HARMFUL or not rivals:
            continue
        name, least = min(((name, harm(table, n, k)) for name, (table, k) in rivals.items()), key=lambda each: each[1])
        found.append((scenario, name, harm(mine, n, setting) / least))
    return found
