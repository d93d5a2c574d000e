"""docs/aws.md's sums are docs/prices.json's, of the settings' own numbers."""

import json
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[3] / "docs"
HOURS = 3  # of the workshop that the page reckons


def total(lines: dict[str, dict[str, Any]]) -> float:
    return sum(line["price"] * line["count"] for line in lines.values())


def prices() -> dict[str, Any]:
    return dict(json.loads((DOCS / "prices.json").read_text()))


def stated(page: str, words: str) -> float:
    """The sum that the page says behind these words."""
    found = re.search(rf"{re.escape(words)}: \*\*USD ([0-9.]+)\*\*", page)
    assert found, words
    return float(found[1])


def test_the_pages_sums_are_the_tables() -> None:
    """An hour of the cluster, a workshop's hour, a workshop of three hours, and thirty of them at once."""
    table, page = prices(), (DOCS / "aws.md").read_text()
    hour, workshop_hour, once = (total(table[key]) for key in ("per_hour", "per_workshop_hour", "per_workshop"))
    one = HOURS * (hour + workshop_hour) + once

    assert round(hour, 2) == stated(page, "The cluster, an hour")
    assert round(workshop_hour, 2) == stated(page, "A workshop beside it, an hour")
    assert round(one, 2) == stated(page, "One workshop of three hours, with the cluster")


def test_every_line_of_the_table_is_on_the_page() -> None:
    """With its price and its count, so that whoever checks one finds it."""
    table, page = prices(), (DOCS / "aws.md").read_text()
    lines = [
        (name, line) for key in ("per_hour", "per_workshop_hour", "per_workshop") for name, line in table[key].items()
    ]

    assert [name for name, line in lines if f"| {name} | {line['price']} | {line['count']} |" not in page] == []
    assert table["of"] in page


def test_counts_are_the_settings_defaults() -> None:
    """Three nodes and one NAT gateway, as long as the settings say so."""
    page = (DOCS / "settings.md").read_text()
    for line in prices()["per_hour"].values():
        if "setting" in line:
            assert f"| `{line['setting']}` | `{line['count']}` |" in page
