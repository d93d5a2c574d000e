"""The grid: every rule over every scenario, scenario by scenario in as many processes as asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from bench.canary.product import Canario, Late
from bench.canary.rivals.appmesh_sample import AppMeshSample
from bench.canary.rivals.argo import Argo
from bench.canary.rivals.codedeploy import CodeDeploy
from bench.canary.rivals.flagger import Flagger
from bench.canary.rivals.kayenta import Kayenta
from bench.canary.rule import Rule, Runs, simulate
from bench.canary.scenarios import Scenario, grid
from bench.canary.tuning import Table

RIVALS: tuple[Callable[[], Rule], ...] = (Flagger, Argo, Kayenta, CodeDeploy, AppMeshSample)
PLANS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "alpha 0.001": {"alpha": 0.001},
    "alpha 0.1": {"alpha": 0.1},
    "alpha 0.5": {"alpha": 0.5},
}


@dataclass(frozen=True)
class Job:
    """One scenario, by its place in the grid: its conditions are functions, which no process hands to another."""

    place: int
    minutes: int
    repetitions: int
    rival_repetitions: int
    seed: int


def chosen(part: str) -> list[int]:
    """The places of the scenarios whose name has the part in it."""
    return [place for place, each in enumerate(grid()) if part in each.name]


def run(jobs: Sequence[Job], processes: int, told: Callable[[str], None]) -> tuple[list[Scenario], dict[str, Table]]:
    """The scenarios and, by rule, its table."""
    rows: list[list[Runs]] = []
    scenarios = [grid()[job.place] for job in jobs]
    with get_context("spawn").Pool(processes) as pool:
        for scenario, row in zip(scenarios, pool.imap(one, jobs), strict=True):
            rows.append(row)
            told(f"{len(rows)} of {len(jobs)}: {scenario.name}")
    rules = [*(make() for make in RIVALS), Canario(jobs[0].minutes, PLANS, scenarios[0])]
    rules.append(late(jobs[0].minutes, scenarios[0]))
    return scenarios, {
        rule.name: Table(rule.name, rule.settings, [row[n] for row in rows]) for n, rule in enumerate(rules)
    }


def one(job: Job) -> list[Runs]:
    """Every rule over one scenario. A rule's chance depends on the seed, the scenario and the rule alone."""
    scenario = grid()[job.place]
    found = []
    for n, make in enumerate(RIVALS):
        seed = np.random.SeedSequence([job.seed, job.place, n])
        found.append(simulate(make(), scenario, job.minutes, job.rival_repetitions, seed))
    rule = Canario(job.minutes, PLANS, scenario)
    for n, mine in enumerate((rule, late(job.minutes, scenario)), len(RIVALS)):
        seed = np.random.SeedSequence([job.seed, job.place, n])
        found.append(simulate(mine, scenario, job.minutes, job.repetitions, seed))
    return found


def late(minutes: int, scenario: Scenario) -> Late:
    return Late(minutes, {"default": PLANS["default"]}, scenario)
