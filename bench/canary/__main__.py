"""`python -m bench.canary`: the side-by-side. docs/bench.md says what it measures and what came out."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.canary import bound, looking
from bench.canary.picture import draw
from bench.canary.report import lines, worst
from bench.canary.rule import PROMOTED, ROLLED_BACK
from bench.canary.run import Job, chosen, run

PARTS = ("grid", "bound", "looking")
QUICK = {"repetitions": 20, "rivals": 40, "minutes": 60, "looking": 10, "looking_minutes": 240}
FULL = {"repetitions": 200, "rivals": 200, "minutes": 60, "looking": 200, "looking_minutes": 1440}


def main() -> int:
    given = _arguments()
    sizes = dict(FULL if given.full else QUICK)
    if given.repetitions:
        sizes |= {"repetitions": given.repetitions, "rivals": given.repetitions, "looking": given.repetitions}
    if given.minutes:
        sizes |= {"minutes": given.minutes, "looking_minutes": given.minutes}
    began = time.monotonic()
    parts: dict[str, Callable[[], Iterator[str]]] = {
        "grid": lambda: _grid(given, sizes),
        "bound": lambda: _bound(given, sizes),
        "looking": lambda: _looking(given, sizes),
    }
    for name in given.part or PARTS:
        for line in parts[name]():
            print(line, flush=True)
    print(f"\nseed {given.seed}, {time.monotonic() - began:.0f} s")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.canary", description=__doc__)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--repetitions", type=int, help="runs of each setting in each scenario")
    parser.add_argument("--scenario", default="", help="only scenarios with this in their name, such as '6000 rpm'")
    parser.add_argument("--minutes", type=int, help="the longest rollout, and how long 'looking' looks")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--full", action="store_true", help="many more runs: an hour or two on two cores")
    parser.add_argument("--part", action="append", choices=PARTS, help="default: all of them")
    parser.add_argument("--picture", type=Path, help="where the operating curves go: a file .svg or .png")
    return parser.parse_args()


def _grid(given: argparse.Namespace, sizes: dict[str, int]) -> Iterator[str]:
    places = chosen(given.scenario)
    if not places:
        sys.exit(f"scenario: {given.scenario!r} is not allowed; allowed: a part of a scenario's name")
    jobs = [Job(place, sizes["minutes"], sizes["repetitions"], sizes["rivals"], given.seed) for place in places]
    scenarios, tables = run(jobs, given.jobs, lambda text: print(text, file=sys.stderr, flush=True))
    yield from lines(scenarios, tables)
    mine = tables["Canario"]
    yield "## Targets, as far as the grid shows them"
    for text, truths, kind, limit in (
        ("most false rollbacks where α is claimed", ("null", "tolerated"), ROLLED_BACK, "≤ 1 %"),
        ("most false rollbacks where 2α is claimed", ("approximate",), ROLLED_BACK, "≤ 2 %"),
        ("most promotions of a bad canary", ("bad",), PROMOTED, "≤ 5 %"),
    ):
        found = worst(mine, scenarios, truths, kind)
        if found:
            yield f"- {text} ({limit}): {found[1].percent}, {found[0]}"
    for n, scenario in enumerate(scenarios):
        if scenario.name == "6000 rpm 0.2 %: healthy":
            minutes = mine.runs[n].minutes[0][mine.runs[n].outcome[0] == PROMOTED]
            yield f"- healthy at 6,000 rpm and 0.2 %: promoted in {minutes.mean():.1f} windows on average (< 10)"
    if given.picture and draw(given.picture, scenarios, tables):
        yield f"- drew {given.picture}"


def _bound(given: argparse.Namespace, sizes: dict[str, int]) -> Iterator[str]:
    yield f"## Beside the bound, at a constant {100 * bound.SHARE:g} %"
    yield "| baseline | ratio | tolerated | requests a window | bound, windows | Canario, windows | ÷ bound | never |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in bound.measure(sizes["repetitions"], given.seed):
        yield (
            f"| {100 * each.rate:g} % | {each.ratio:g} | {100 * each.tolerated:g} % | {each.requests:,} | "
            f"{each.bound:.1f} | {each.windows} | {each.times:.2f} | {each.never} |"
        )


def _looking(given: argparse.Namespace, sizes: dict[str, int]) -> Iterator[str]:
    minutes, repetitions = sizes["looking_minutes"], sizes["looking"]
    yield f"## False rollbacks over {minutes} minutes of looking, {repetitions} runs"
    for scenario, found in looking.measure(minutes, repetitions, given.seed):
        yield f"- {scenario.name} ({scenario.truth}): {found.percent}"


if __name__ == "__main__":
    sys.exit(main())
