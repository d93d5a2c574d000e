"""CloudWatch's totals, held against the load's."""

from datetime import UTC, datetime, timedelta

from canario.canary.ports import NodeCounts, Target
from lab.measured import measured, span
from tests.fakes import FakeMetrics

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
TARGET = Target("default", "appmesh", "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")


def test_every_window_of_the_load_counts_and_no_other() -> None:
    """The load's first and last seconds are in, whole windows at both ends."""
    windows = [NodeCounts(START + timedelta(seconds=5 * i), 10, 1) for i in range(-1, 4)]
    metrics = FakeMetrics({"nodejs-app": windows})

    found = measured(metrics, TARGET, START + timedelta(seconds=0.4), START + timedelta(seconds=12.3))

    assert {"nodejs-app": {"requests": 30, "errors": 3}, "nodejsv2-app": {"requests": 0, "errors": 0}} == found


def test_a_load_that_never_ran_has_no_span() -> None:
    """There is nothing to hold against."""
    assert span({}, START) is None


def test_a_load_that_still_runs_ends_now() -> None:
    """Its report has no end yet."""
    assert (START, START + timedelta(seconds=9)) == span({"started": START.isoformat()}, START + timedelta(seconds=9))
