"""Which alarms are in ALARM, from a client that keeps what it was asked."""

from collections.abc import Iterator
from typing import Any

from canario.adapters.alarms import CloudWatchAlarms


class Client:
    """Two pages of alarms, metric and composite; `asked` has every call's arguments."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> "Client":
        assert "describe_alarms" == operation
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(asked)
        what = "own" if "AlarmNamePrefix" in asked else "named"
        yield {"MetricAlarms": [{"AlarmName": f"{what}-1"}], "CompositeAlarms": []}
        yield {"MetricAlarms": [], "CompositeAlarms": [{"AlarmName": f"{what}-2"}]}


def test_every_page_and_kind_of_alarm_counts() -> None:
    """Those by name, a hundred a call, and those by prefix; of composite alarms too."""
    client = Client()
    found = CloudWatchAlarms(client).going_off([f"a{n}" for n in range(150)], "canario/ns/router")

    assert ["named-1", "named-2", "own-1", "own-2"] == found
    assert [100, 50] == [len(each["AlarmNames"]) for each in client.asked if "AlarmNames" in each]
    assert {("ALARM", ("MetricAlarm", "CompositeAlarm"))} == {
        (each["StateValue"], tuple(each["AlarmTypes"])) for each in client.asked
    }


def test_no_name_is_no_call_for_all_alarms() -> None:
    """An empty list of names would be every alarm of the account."""
    client = Client()
    CloudWatchAlarms(client).going_off([], "canario/ns/router")

    assert ["canario/ns/router"] == [each.get("AlarmNamePrefix") for each in client.asked]
