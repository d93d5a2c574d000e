"""SSM change calendars."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from canario.adapters import aws


class ChangeCalendars:
    """The port `Calendars`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def closed(self, calendars: Sequence[str], at: datetime) -> bool:
        """Whether one of them is closed then. Raises RemoteError, also for a calendar that is not there."""
        with aws.doing(f"asking the change calendars {', '.join(calendars)}"):
            answer = self._client.get_calendar_state(
                CalendarNames=list(calendars), AtTime=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            )
        return str(answer["State"]) == "CLOSED"
