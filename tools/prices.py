"""Write the tables of costs, and their sums, into the pages: `python tools/prices.py`.

docs/prices.json has every price and every count; a page has a line `<!-- prices: NAME -->`, below which a table is
until the line `<!-- end of prices -->`. A test holds the pages against what this writes.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("aws.md", "operating.md")
HOURS = {"hour": 1, "month": 720}  # a month is 30 days, 43,200 windows of a minute
WINDOWS_AN_HOUR = 60
WORKSHOP_HOURS = 3
ROLLOUTS = 1000
SERIES_A_CALL = 500  # of GetMetricData
SERIES = {"requests and errors of two nodes": 4, "and five latency edges": 14, "and three pods a node": 26}
_BLOCK = re.compile(r"(?P<begin><!-- prices: (?P<name>\w+) -->\n).*?(?P<end><!-- end of prices -->)", re.DOTALL)

Table = Mapping[str, Any]


def main() -> None:
    table = json.loads((DOCS / "prices.json").read_text())
    for page in PAGES:
        path = DOCS / page
        path.write_text(written(path.read_text(), table))


def written(page: str, table: Table) -> str:
    """The page with its tables made anew."""
    return _BLOCK.sub(lambda found: found["begin"] + "\n" + BLOCKS[found["name"]](table) + "\n" + found["end"], page)


def costs(table: Table, name: str) -> list[float]:
    """What each line of a list costs; a line that is counted a month, by the hour."""
    return [_cost(table, line) for line in table[name]]


def _cost(table: Table, line: Mapping[str, Any]) -> float:
    unit = table["units"][line["unit"]]
    return float(unit["price"] / unit.get("by", 1) * line["count"] / HOURS[line.get("a", "hour")])


def _list(name: str, title: str) -> Callable[[Table], str]:
    def made(table: Table) -> str:
        rows = [
            f"| {line['what']} | {line['count']:,} × {_price(table, line)} | {cost:.4f} |"
            for line, cost in zip(table[name], costs(table, name), strict=True)
        ]
        return "\n".join([f"| {title} | count and price | USD |", "|---|---|---|", *rows, ""])

    return made


def _price(table: Table, line: Mapping[str, Any]) -> str:
    unit = table["units"][line["unit"]]
    return f"{unit['price']:.10f}".rstrip("0").rstrip(".") + f" for {unit['of']}"


def _sums(table: Table) -> str:
    hour, beside, once = (sum(costs(table, name)) for name in ("per_hour", "per_workshop_hour", "per_workshop"))
    lines = (
        f"- The cluster, an hour: **USD {hour:.2f}**, a month: **USD {hour * HOURS['month']:,.0f}**",
        f"- A workshop beside it, an hour: **USD {beside:.2f}**",
        f"- One workshop of {WORKSHOP_HOURS} hours, with the cluster: "
        f"**USD {WORKSHOP_HOURS * (hour + beside) + once:.2f}**",
        f"- As of {table['of']}, in {table['region']}, without tax and data transfer. Source: {table['source']}.",
    )
    return "\n".join([*lines, ""])


def _rollout(table: Table) -> str:
    windows, more = (_of_rollout(table, name) for name in ("per_rollout_window", "per_series_more"))
    head = (
        f"| one rollout, windows of a minute | count and price | USD an hour | {ROLLOUTS:,} rollouts, a month |",
        "|---|---|---|---|",
    )
    total = sum(hourly for _, hourly in windows)
    rows = [f"| {what} | {hourly:.5f} | {_month(hourly)} |" for what, hourly in windows]
    rows += [f"| in all | | **{total:.4f}** | **{_month(total)}** |"]
    rows += [f"| on top: {what} | {hourly:.5f} | {_month(hourly)} |" for what, hourly in more]
    return "\n".join([*head, *rows, ""])


def _observer(table: Table) -> str:
    """One look of a thousand rollouts: by each for itself, and by the observer for all."""
    head = [f"| {ROLLOUTS:,} rollouts, a look a minute | a look | USD a month |", "|---|---|---|"]
    parts = []
    ways = (("tick_alone", "each for itself", ROLLOUTS), ("tick_together", "the observer for all", calls(4)))
    for name, who, number in ways:
        months = [
            cost * HOURS["month"] * (1 if "a" in line else WINDOWS_AN_HOUR)
            for line, cost in zip(table[name], costs(table, name), strict=True)
        ]
        lines = zip(table[name], months, strict=True)
        parts += [f"| {line['what']} | {line['count']:,} | {month:,.2f} |" for line, month in lines]
        parts.append(f"| **{who}** | **{number:,} calls** | **{sum(months):,.0f}** |")
    series = [f"| {what} | {count * ROLLOUTS:,} | {calls(count):,} |" for what, count in SERIES.items()]
    title = [f"| {ROLLOUTS:,} rollouts, a look | series | calls of the observer |", "|---|---|---|"]
    return "\n".join([*head, *parts, "", *title, *series, ""])


def calls(series: int) -> int:
    """Of the observer, where each rollout has so many series."""
    return math.ceil(series * ROLLOUTS / SERIES_A_CALL)


def _of_rollout(table: Table, name: str) -> list[tuple[str, float]]:
    """Each line's first cells, and what it costs by the hour."""
    found = []
    for line, cost in zip(table[name], costs(table, name), strict=True):
        often = "all month" if "a" in line else "a window"
        words = f"{line['what']} | {line['count']:,} {often}, {_price(table, line)}"
        found.append((words, cost if "a" in line else cost * WINDOWS_AN_HOUR))
    return found


def _month(hourly: float) -> str:
    return f"{hourly * HOURS['month'] * ROLLOUTS:,.0f}"


BLOCKS: Mapping[str, Callable[[Table], str]] = {
    "per_hour": _list("per_hour", "the cluster, by the hour"),
    "per_workshop_hour": _list("per_workshop_hour", "a workshop beside it, by the hour"),
    "per_workshop": _list("per_workshop", "a workshop, once"),
    "sums": _sums,
    "rollout": _rollout,
    "observer": _observer,
}


if __name__ == "__main__":
    main()
