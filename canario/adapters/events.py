"""The event bus, on EventBridge."""

import json
from collections.abc import Mapping
from typing import Any

from canario.adapters import aws
from canario.errors import RemoteError

SOURCE = "canario"


class Bus:
    """Puts events on one bus. botocore's retries are the only ones here: the caller's machine has its own."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def put(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Raises RemoteError also when EventBridge took the call but refused the event."""
        entry = {
            "Source": SOURCE,
            "DetailType": kind,
            "Detail": json.dumps(detail, allow_nan=False),
            "EventBusName": self._name,
        }
        what = f"putting the event {kind} on the bus {self._name}"
        with aws.doing(what):
            response = self._client.put_events(Entries=[entry])
        if response["FailedEntryCount"]:
            refused = response["Entries"][0]
            raise RemoteError(f"{what}: {refused.get('ErrorCode')}: {refused.get('ErrorMessage')}")
