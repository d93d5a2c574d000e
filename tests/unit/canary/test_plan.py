"""A plan says what a rollout may do, and refuses what makes no sense by the field's name."""

import json
import math
from typing import Any

import pytest

from canario.canary import Plan, Step
from canario.errors import InvalidInput


def test_defaults() -> None:
    """A plan is usable as it stands: minutes, 1 % and 5 % error, twice as bad, 0.1 % tolerated, 10 requests, 1 hour."""
    expected = {
        "window_seconds": 60,
        "deadline_windows": 60,
        "alpha": 0.01,
        "beta": 0.05,
        "r0": 1,
        "r1": 2,
        "tolerated_rate": 0.001,
        "harm_budget": 10,
        "smallest_share": 0,
        "latency_edges": [],
        "steps": [],
    }

    assert expected.items() <= Plan().to_dict().items()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(field, value) for field in ("alpha", "beta") for value in (0, -0.1, 0.51, 1)],
        *[("window_seconds", value) for value in (0, -1, 1.5, 86_401)],
        *[("deadline_windows", value) for value in (0, 1, 2.5, 10**7)],
        *[("r0", value) for value in (0, -1, 101)],
        *[("r1", value) for value in (1, 0.5, 1001)],
        *[("tolerated_rate", value) for value in (-0.001, 0.6)],
        *[("harm_budget", value) for value in (0, -1, 1e10)],
        *[("smallest_share", value) for value in (-0.1, 0.95)],
        *[("largest_share", value) for value in (0, 1, 1.5)],
        *[("watch_windows", value) for value in (-1, 0.5)],
        *[("latency_edges", value) for value in ([0], [100, 100], [200, 100], [-1], ["100"], "100", 5, [True])],
        *[("steps", value) for value in (5, "fast", {"share": 0.5, "windows": 1})],
        ("steps[0]", 0.5),
        *[(name, value) for name in ("alpha", "r1", "harm_budget") for value in (True, "1", None, [], math.nan)],
        *[(name, math.inf) for name in ("r1", "harm_budget", "window_seconds", "tolerated_rate")],
        ("harm_budget", 10**400),
    ],
)
def test_refused_by_name(field: str, value: Any) -> None:
    """A value that is not allowed is refused with the field, the value and what is allowed."""
    given = {"steps": [value]} if field == "steps[0]" else {field: value}

    with pytest.raises(InvalidInput) as refusal:
        Plan.from_dict(given)

    assert field == refusal.value.field
    assert str(refusal.value).startswith(f"{field}: ")
    assert refusal.value.allowed


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"share": 0, "windows": 1}], "steps[0].share"),
        ([{"share": 0.1, "windows": 0}], "steps[0].windows"),
        ([{"share": 0.1, "windows": True}], "steps[0].windows"),
        ([{"share": 0.1, "windows": 1}, {"share": 0.1, "windows": 1}], "steps[1].share"),
        ([{"share": 0.2, "windows": 1}, {"share": 0.1, "windows": 1}], "steps[1].share"),
        ([{"share": 0.95, "windows": 1}], "steps[0].share"),
        ([{"share": 0.1}], "steps[0]"),
        ([{"share": 0.1, "windows": 1, "pause": 1}], "steps[0]"),
        ([{"share": 0.1, "windows": 60}], "deadline_windows"),
    ],
)
def test_steps_are_checked(steps: list[Any], field: str) -> None:
    """Steps rise, stay below the largest share, last at least a window, and fit before the deadline."""
    with pytest.raises(InvalidInput) as refusal:
        Plan.from_dict({"steps": steps})

    assert field == refusal.value.field


def test_unknown_fields_are_refused() -> None:
    """A field that a plan does not have is refused by its name, with those that it has."""
    with pytest.raises(InvalidInput, match="harm_buget: 5 is not allowed; allowed: only the fields window_seconds"):
        Plan.from_dict({"harm_buget": 5})


def test_no_plan_at_all() -> None:
    """What is no object is refused as a plan."""
    with pytest.raises(InvalidInput, match=r"^plan: 'fast' is not allowed"):
        Plan.from_dict("fast")  # type: ignore[arg-type]


def test_whole_numbers_as_json_writes_them() -> None:
    """60.0 is taken for 60, since JSON does not tell them apart."""
    plan = Plan.from_dict({"window_seconds": 30.0, "deadline_windows": 40.0})

    assert Plan(window_seconds=30, deadline_windows=40) == plan
    assert isinstance(plan.window_seconds, int)


def test_round_trip() -> None:
    """A plan goes through JSON without loss."""
    plan = Plan(r1=1.5, latency_edges=(5.0, 10.0), steps=(Step(0.05, 3), Step(0.5, 5)))

    assert plan == Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
