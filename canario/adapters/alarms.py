"""CloudWatch's alarms."""

from collections.abc import Iterator, Sequence
from typing import Any

from canario.adapters import aws

NAMES_A_CALL = 100
KINDS = ["MetricAlarm", "CompositeAlarm"]


class CloudWatchAlarms:
    """The port `Alarms`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def going_off(self, names: Sequence[str], prefix: str) -> Sequence[str]:
        """Those in ALARM now, of the alarms with these names and of those whose names begin with `prefix`.

        An alarm that is not there is not in ALARM. Raises RemoteError.
        """
        asked: list[dict[str, Any]] = [{"AlarmNamePrefix": prefix}]
        asked += [{"AlarmNames": list(names[at : at + NAMES_A_CALL])} for at in range(0, len(names), NAMES_A_CALL)]
        with aws.doing(f"asking which of the alarms {prefix}…{''.join(f', {name}' for name in names)} are in ALARM"):
            return sorted({name for each in asked for name in self._in_alarm(each)})

    def _in_alarm(self, asked: dict[str, Any]) -> Iterator[str]:
        pages = self._client.get_paginator("describe_alarms").paginate(StateValue="ALARM", AlarmTypes=KINDS, **asked)
        for page in pages:
            yield from (each["AlarmName"] for each in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())))
