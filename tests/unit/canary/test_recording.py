"""Recorded series, from every source, into observations."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canario.canary import Counts, Observation, Plan
from canario.canary.recorded import rows
from canario.canary.recording import Recording, recording
from canario.errors import InvalidInput

HEADER = "start,end,share,canary_requests,canary_errors,baseline_requests,baseline_errors\n"
GOOD = "2026-10-03T14:00:00Z,2026-10-03T14:01:00Z,0.1,600,3,5400,5\n"
NOON = datetime(2026, 10, 3, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def read(text: str, plan: Plan | None = None, columns: Mapping[str, str] | None = None, **options: Any) -> Recording:
    return recording(rows(text, columns), plan or Plan(), **options)


def test_columns() -> None:
    """A row of CSV is one observation; spaces and a byte order mark do not matter."""
    found = read("\ufeff" + HEADER.replace(",", ", ") + GOOD.replace(",", " ,"))

    expected = Observation(NOON, NOON + MINUTE, 0.1, Counts(600, 3), Counts(5400, 5))
    assert Recording((expected,), "recorded") == found


def test_windows_without_end_last_until_the_next() -> None:
    """Without the column end, every window is as long as the shortest step from one start to the next."""
    text = "start,canary_requests,canary_errors,baseline_requests,baseline_errors\n"
    text += "".join(f"2026-10-03T14:{minute:02d}:00Z,1,0,9,0\n" for minute in (0, 5, 15))

    assert [5, 5, 5] == [(each.end - each.start).seconds / 60 for each in read(text).observations]


def test_an_empty_cell_is_no_data() -> None:
    """No count is not a count of zero."""
    first, second = read(
        HEADER + GOOD.replace("600,3", ",") + GOOD.replace("T14:0", "T15:0").replace(",3,", ",,")
    ).observations

    assert first.canary is None
    assert second.canary is None
    assert Counts(5400, 5) == second.baseline


def test_absent_errors_may_be_zero() -> None:
    """A load balancer writes no 5xx where it counted none; absent requests stay absent."""
    text = HEADER + GOOD.replace(",3,", ",,") + GOOD.replace("T14:0", "T15:0").replace("600,3", ",")
    first, second = read(text, absent_errors_are_zero=True).observations

    assert Counts(600, 0) == first.canary
    assert second.canary is None


def test_edges_of_the_plan() -> None:
    """For each latency edge of the plan there is a column a node; a plan without edges reads none,
    and an edge without a column is absent."""
    text = HEADER[:-1] + ",canary_slower_250,baseline_slower_250\n" + GOOD[:-1] + ",20,31\n"

    assert (20,) == _canary(read(text, Plan(latency_edges=(250.0,)))).slower
    assert () == _canary(read(text)).slower
    assert _canary(read(text, Plan(latency_edges=(100.0,)))).slower is None


def _canary(found: Recording) -> Counts:
    assert found.observations[0].canary is not None
    return found.observations[0].canary


def test_cloudwatch() -> None:
    """GetMetricData's series, newest first and on two pages, by Label or by Id."""
    times = ["2026-10-03T14:01:00+00:00", "2026-10-03T14:00:00+00:00"]
    series = [("m0", "canary_requests", [600.0, 590.0]), ("canary_errors", "5xx", [3.0, 2.0])]
    second = [("m2", "RequestCount", [5400.0, 5410.0]), ("m3", "baseline_errors", [5.0, 4.0])]
    pages = [
        {"MetricDataResults": [{"Id": i, "Label": la, "Timestamps": times, "Values": v} for i, la, v in page]}
        for page in (series, second)
    ]
    found = read(json.dumps(pages), columns={"RequestCount": "baseline_requests"})

    assert "measured" == found.shares
    assert [Counts(590, 2), Counts(600, 3)] == [each.canary for each in found.observations]
    assert [Counts(5410, 4), Counts(5400, 5)] == [each.baseline for each in found.observations]


def test_observations_and_decisions() -> None:
    """Rows of JSON may be observations, or a report's decisions."""
    observation = read(HEADER + GOOD).observations[0]
    entry = {"kind": "hold", "reason": "…", "start": "2026-10-03T14:00:00.000Z", "end": "2026-10-03T14:01:00.000Z"}
    entry |= {"in_force": 0.1, "requests": 600, "errors": 3, "baseline_requests": 5400, "baseline_errors": 5}

    assert (observation,) == read(json.dumps([observation.to_dict()])).observations
    assert (observation,) == read(json.dumps({"canary": {"decisions": [entry]}})).observations


def test_shares_that_were_not_written() -> None:
    """They are measured over each stretch of windows that chance alone could make of one share."""
    counts = [(0, 6000), (0, 6000), (590, 5410), (610, 5390), (600, 5400), (3010, 2990), (None, 2990), (2990, 3010)]
    text = HEADER.replace("end,share,", "") + "".join(
        f"2026-10-03T14:{n:02d}:00Z,{'' if canary is None else canary},0,{baseline},0\n"
        for n, (canary, baseline) in enumerate(counts)
    )
    shares = [each.share for each in read(text).observations]

    assert [0, 0, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5] == pytest.approx(shares)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + GOOD.replace("600,3", "600,x"), "line 2: canary_errors: 'x' is not allowed; allowed: a whole number"),
        (HEADER + GOOD.replace("600,3", "600,-1"), "line 2: canary_errors: '-1'"),
        (HEADER + GOOD.replace("600,3", "600,3.5"), "line 2: canary_errors: '3.5'"),
        (HEADER + GOOD.replace("600,3", "600,nan"), "line 2: canary_errors: 'nan'"),
        (HEADER + GOOD.replace("600,3", "600,601"), "line 2: canary_errors: 601"),
        (HEADER + GOOD.replace("0.1", "1.1"), "line 2: share: '1.1' is not allowed; allowed: a number from 0 to 1"),
        (HEADER + GOOD.replace("0.1", "10 %"), "line 2: share: '10 %'"),
        (HEADER + GOOD.replace("2026-10-03T14:00:00Z", "noon"), "line 2: start: 'noon'"),
        (HEADER + GOOD.replace("14:01:00Z", "13:01:00Z"), "line 2: end: '2026-10-03T13:01:00+00:00'"),
        (HEADER + GOOD.replace("14:01:00Z", "14:01:00"), "line 2: end: '2026-10-03T14:01:00'"),
        (HEADER + GOOD + "\n" + GOOD, "line 4: start: '2026-10-03T14:00:00+00:00'"),
        (HEADER + GOOD + GOOD.replace("Z", ""), "start: '2026-10-03T14:00:00' is not allowed; allowed: a time zone"),
        (HEADER + "2026-10-03T14:00:00Z,1\n", "line 2: cells: 2 is not allowed; allowed: 7 cells"),
        (HEADER.replace("canary_errors", "failures") + GOOD, "line 1: column: 'failures'"),
        (HEADER.replace(",canary_errors", "") + GOOD, "line 1: canary_errors: None"),
        (HEADER.replace("end", "start") + GOOD, "line 1: column: 'start'"),
        (HEADER, "recording: 'no rows'"),
        ("", "recording: 'no rows'"),
        ("{", "recording: '{…'"),
        ('{"a": 1}', "recording: 'an object with a'"),
        ('[{"start": "2026-10-03T14:00:00Z", "x": 1}]', "row 1: field: 'x'"),
        ("[3]", "row 1: row: 3"),
        ('[{"start": "2026-10-03T14:00:00Z", "canary_requests": 1}]', "row 1: canary_errors: None"),
        ('{"MetricDataResults": [{"Id": "canary_requests"}]}', "MetricDataResults: ['canary_requests']"),
        ('[{"start": 5, "canary": null, "baseline": null}]', "row 1: start: 5"),
        ('{"MetricDataResults": [{"Id": "m0", "Label": "CPU"}]}', "series m0: 'CPU'"),
    ],
)
def test_refused(text: str, said: str) -> None:
    """One line that names the row, the field, the value and what is allowed."""
    with pytest.raises(InvalidInput) as caught:
        read(text)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
