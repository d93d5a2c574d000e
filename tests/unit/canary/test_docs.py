"""docs/canary.md names every field of a plan, every field of a guard and every number of a decision."""

from dataclasses import fields
from pathlib import Path

import pytest

from canario.canary import Guard, Plan, decide, start
from tests.unit.canary.world import window

PAGE = (Path(__file__).parents[3] / "docs" / "canary.md").read_text(encoding="utf-8")
DECISION = decide(start(Plan()), window(0, 0, None, (600, 1)))[1]


@pytest.mark.parametrize("name", [*(each.name for kind in (Plan, Guard) for each in fields(kind)), *DECISION.evidence])
def test_documented(name: str) -> None:
    """A field or number that the page does not name is one that nobody finds."""
    assert f"`{name}`" in PAGE
