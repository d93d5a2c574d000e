"""What things cost: one file of prices, from which the pages' tables are written."""

import json
from datetime import timedelta
from typing import Any

import pytest

from canario.adapters.metric_calls import Span, pack
from tests.fakes import NOW
from tools.prices import DOCS, PAGES, ROLLOUTS, SERIES, calls, costs, written


def prices() -> dict[str, Any]:
    return dict(json.loads((DOCS / "prices.json").read_text()))


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_as_the_prices_make_them(page: str) -> None:
    """Whoever changes a price or a count writes the pages anew: `python tools/prices.py`."""
    text = (DOCS / page).read_text()

    assert written(text, prices()) == text


def test_a_line_is_its_count_at_its_units_price() -> None:
    """By the thousand where the unit is; what is counted a month is a 720th of it an hour."""
    units = {"call": {"price": 2.0, "by": 1000}, "disk": {"price": 0.72}}
    lines = [{"unit": "call", "count": 500}, {"unit": "disk", "count": 10, "a": "month"}]

    assert costs({"units": units, "lines": lines}, "lines") == pytest.approx([1.0, 0.01])


@pytest.mark.parametrize("series", SERIES.values())
def test_the_observers_calls_are_those_that_it_makes(series: int) -> None:
    """The page's numbers are the packing's own: of a thousand rollouts, a minute each."""
    minute = Span(NOW, NOW + timedelta(minutes=1), 60)

    assert calls(series) == len(pack([minute] * series * ROLLOUTS))


def test_every_unit_is_used() -> None:
    """A price that nothing is reckoned with would rot."""
    table = prices()
    used = {line["unit"] for lines in table.values() if isinstance(lines, list) for line in lines}

    assert set(table["units"]) == used


def test_counts_are_the_settings_defaults() -> None:
    """Three nodes and one NAT gateway, as long as the settings say so."""
    page = (DOCS / "settings.md").read_text()
    for line in prices()["per_hour"]:
        if "setting" in line:
            assert f"| `{line['setting']}` | `{line['count']}` |" in page
