"""False rollbacks over a long time of looking: the share stays, nobody promotes, every minute is a look."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bench.canary.measures import Estimate, part
from bench.canary.product import Canario
from bench.canary.rule import ROLLED_BACK, simulate
from bench.canary.scenarios import Scenario, Service, grid

SHARE = 0.1
SERVICE = Service(6000, 0.002)


def scenarios() -> list[Scenario]:
    """The healthy ones of one service, with incidents again and again, and one at exactly τ."""
    found = [each for each in grid() if each.service == SERVICE and each.truth in ("null", "approximate")]
    return [*found, replace(found[0], service=Service(6000, 0.0002), what="at the tolerated rate", ratio=lambda _: 5.0)]


def measure(minutes: int, repetitions: int, seed: int) -> Iterator[tuple[Scenario, Estimate]]:
    plan = {"steps": [{"share": SHARE, "windows": minutes - 1}]}
    for n, scenario in enumerate(scenarios()):
        rule = Canario(minutes, {"default": plan}, scenario)
        runs = simulate(rule, scenario, minutes, repetitions, np.random.SeedSequence([seed, 8, n]))
        yield scenario, part(int((runs.outcome[0] == ROLLED_BACK).sum()), repetitions)
