"""The operating curves: false rollbacks against harm, one curve a rule."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from bench.canary.scenarios import Scenario
from bench.canary.tuning import Point, Table, frontier, points

COLORS = ("#8c6bb1", "#3b6ea5", "#2e7d4f", "#b3261e", "#777777")
MINE, LATE = "#d9820f", "#000000"


def draw(path: Path, scenarios: Sequence[Scenario], tables: dict[str, Table]) -> bool:
    """False, and nothing drawn, without a healthy and a bad scenario."""
    curves = {name: points(table, scenarios) for name, table in tables.items()}
    if not all(curves.values()):
        return False
    with pyplot.rc_context({"svg.hashsalt": "canario", "svg.fonttype": "none", "font.size": 9}):
        figure, axis = pyplot.subplots(figsize=(8, 5.2), layout="constrained")
        for (name, found), color in zip(curves.items(), (*COLORS, MINE, LATE), strict=True):
            _curve(axis, name, found, color, tables[name])
        axis.axvline(0.01, color="#999999", ls=":", lw=1)
        axis.set_xscale("symlog", linthresh=0.001)
        axis.set_xlim(-0.0001, 1.05)
        axis.set_xticks([0, 0.001, 0.01, 0.1, 1], ["0", "0.1 %", "1 %", "10 %", "100 %"])
        axis.set_yscale("log")
        axis.set_xlabel("false rollbacks, mean over the healthy scenarios")
        axis.set_ylabel("extra failed requests + 1, geometric mean over the bad scenarios")
        axis.set_title("Each rule's best settings on this grid (lines), its documented ones (crosses)", fontsize=9)
        axis.legend(loc="lower left", bbox_to_anchor=(0, 0.3), frameon=False, fontsize=8)  # where no rule is
        axis.grid(alpha=0.25)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)
    return True


def _curve(axis: pyplot.Axes, name: str, found: Sequence[Point], color: str, table: Table) -> None:
    best = frontier(found)
    width = 2.4 if name == "Canario" else 1.4
    axis.plot(
        [each.false for each in best], [each.harm for each in best], "o-", color=color, ms=4, lw=width, label=name
    )
    documented = [each for each in found if table.settings[each.setting].documented]
    axis.plot([each.false for each in documented], [each.harm for each in documented], "x", color=color, ms=7)
