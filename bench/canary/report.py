"""The results in words and tables, as Markdown lines."""

from collections.abc import Iterator, Sequence

import numpy as np

from bench.canary.measures import Estimate, geometric, mean, part
from bench.canary.rule import HELD, PROMOTED, ROLLED_BACK, Runs
from bench.canary.scenarios import Scenario
from bench.canary.tuning import HARMFUL, Table, best, harm, points, ratios, ratios_until_rollback

ALPHA, BETA = 0.01, 0.05


def lines(scenarios: Sequence[Scenario], tables: dict[str, Table]) -> Iterator[str]:
    mine, rivals = tables["Canario"], [table for name, table in tables.items() if not name.startswith("Canario")]
    yield "## Canario, default plan"
    yield from scenario_table(mine, 0, scenarios)
    for table in [*(each for name, each in tables.items() if name.startswith("Canario")), *rivals]:
        for k, setting in enumerate(table.settings):
            if setting.documented:
                yield f"## {table.rule}, {setting.name}"
                yield from summary(table, k, scenarios)
    yield "## Tuned on this grid, at Canario's false-rollback rate or 1 %, whichever is more"
    yield from tuned(mine, rivals, scenarios)


def scenario_table(table: Table, setting: int, scenarios: Sequence[Scenario]) -> Iterator[str]:
    yield "| scenario | truth | rolled back | promoted | held | minutes | extra failed requests |"
    yield "|---|---|---|---|---|---|---|"
    for n, scenario in enumerate(scenarios):
        runs = table.runs[n]
        outcome = runs.outcome[setting]
        parts = [part(int((outcome == kind).sum()), len(outcome)).percent for kind in (ROLLED_BACK, PROMOTED, HELD)]
        minutes, extra = mean(runs.minutes[setting], n), mean(runs.extra_in_all[setting], n)
        yield f"| {scenario.name} | {scenario.truth} | {' | '.join(parts)} | {minutes} | {extra} |"


def summary(table: Table, setting: int, scenarios: Sequence[Scenario]) -> Iterator[str]:
    """One line a kind of scenario: what matters of it, all runs together."""
    for truth in ("null", "approximate", "tolerated", "bad", "turning", "pod"):
        places = [n for n, each in enumerate(scenarios) if each.truth == truth]
        if not places:
            continue
        outcome = np.concatenate([table.runs[n].outcome[setting] for n in places])
        counts = {kind: part(int((outcome == kind).sum()), len(outcome)) for kind in (ROLLED_BACK, PROMOTED, HELD)}
        text = f"- {truth}: rolled back {counts[ROLLED_BACK].percent}, promoted {counts[PROMOTED].percent}"
        text += f", held {counts[HELD].percent}"
        if truth in HARMFUL:
            minutes = np.concatenate([table.runs[n].minutes[setting] for n in places])
            text += f"; minutes {mean(minutes[outcome == ROLLED_BACK], 1)} to a rollback"
            text += (
                f"; extra failed requests (geometric mean) {geometric([harm(table, n, setting) for n in places]):.3g}"
            )
        yield text


def tuned(mine: Table, rivals: Sequence[Table], scenarios: Sequence[Scenario]) -> Iterator[str]:
    found = points(mine, scenarios)
    if not found:
        yield "(no healthy and no bad scenario among those chosen)"
        return
    yield (
        f"Canario's default plan: false rollbacks {100 * found[0].false:.2g} %, harm {found[0].harm:.3g}; a healthy "
        f"canary takes {_healthy(mine, 0, scenarios):.3g} minutes, deadlines included."
    )
    for how, tables in (
        ("Thresholds tuned, schedules as documented", [with_schedules(each) for each in rivals]),
        ("Thresholds and schedules tuned", list(rivals)),
    ):
        yield ""
        yield f"### {how}"
        chosen = {}
        for table in tables:
            point = best(points(table, scenarios), max(ALPHA, found[0].false))
            if point is None:
                yield f"- {table.rule}: no setting has so few false rollbacks."
                continue
            chosen[table.rule] = (table, point.setting)
            yield (
                f"- {table.rule}: {table.settings[point.setting].name}; false rollbacks {100 * point.false:.2g} %, "
                f"harm {point.harm:.3g}; a healthy canary takes {_healthy(table, point.setting, scenarios):.3g} minutes"
            )
        yield from compared("one setting for all services", ratios(mine, 0, chosen, scenarios))
        before = ratios_until_rollback(mine, 0, chosen, scenarios, BETA)
        yield from compared(f"the same until the rollback, beside rivals that miss at most {100 * BETA:g} %", before)
        yield from compared("a setting for each service", by_service(mine, tables, scenarios))


def with_schedules(table: Table) -> Table:
    """Only the settings whose shares and times are documented ones."""
    kept = [n for n, each in enumerate(table.settings) if each.scheduled]
    cut = [Runs(*(values[kept] for values in vars(each).values())) for each in table.runs]
    return Table(table.rule, [table.settings[n] for n in kept], cut)


def _healthy(table: Table, setting: int, scenarios: Sequence[Scenario]) -> float:
    """Minutes until a healthy canary's rollout ends, on average."""
    places = [n for n, each in enumerate(scenarios) if each.what == "healthy"]
    return float(np.mean([table.runs[n].minutes[setting].mean() for n in places])) if places else float("nan")


def by_service(
    mine: Table, rivals: Sequence[Table], scenarios: Sequence[Scenario]
) -> list[tuple[Scenario, str, float]]:
    """The same with the rivals tuned for each service alone, at Canario's rate there or 1 %."""
    found = []
    for service in dict.fromkeys(each.service for each in scenarios):
        places = [n for n, each in enumerate(scenarios) if each.service == service]
        some = [scenarios[n] for n in places]
        own = _some(mine, places)
        own_points = points(own, some)
        if not own_points:
            continue
        chosen = {}
        for table in rivals:
            cut = _some(table, places)
            point = best(points(cut, some), max(ALPHA, own_points[0].false))
            if point is not None:
                chosen[table.rule] = (cut, point.setting)
        found += ratios(own, 0, chosen, some)
    return found


def _some(table: Table, places: Sequence[int]) -> Table:
    return Table(table.rule, table.settings, [table.runs[n] for n in places])


def compared(how: str, found: Sequence[tuple[Scenario, str, float]]) -> Iterator[str]:
    if not found:
        return
    worse = sorted((each for each in found if each[2] > 1.25), key=lambda each: -each[2])
    yield ""
    yield (
        f"**{how}**: Canario's harm ÷ the best rival's in each of {len(found)} bad scenarios: geometric mean "
        f"{geometric([each[2] for each in found]):.3g}; above 1.25 in {len(worse)}:"
    )
    yield from (f"- {scenario.name}: {ratio:.3g} × {rival}" for scenario, rival, ratio in worse)


def worst(table: Table, scenarios: Sequence[Scenario], truths: Sequence[str], kind: int) -> tuple[str, Estimate] | None:
    """The scenario of these in which Canario's default plan ended so most often."""
    found = [
        (scenario.name, part(int((table.runs[n].outcome[0] == kind).sum()), table.runs[n].outcome.shape[1]))
        for n, scenario in enumerate(scenarios)
        if scenario.truth in truths
    ]
    return max(found, key=lambda each: each[1].value, default=None)
