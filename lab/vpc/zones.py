"""Route 53's records, read again about once a second: it has no way to watch."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab.vpc import route53

log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0


class Zones:
    """`records` are the private zones' last known ones; `changed` is called when they change."""

    def __init__(self, client: Any, changed: Callable[[], None]) -> None:
        self._client, self._changed = client, changed
        self.records: dict[str, tuple[str, ...]] = {}

    async def run(self) -> None:
        """Poll until cancelled. What was known stays known while Route 53 does not answer."""
        while True:
            try:
                records = await asyncio.to_thread(route53.records, self._client)
            except (BotoCoreError, ClientError) as error:
                log.warning("reading Route 53's zones: %s; keeping %d records", error, len(self.records))
            else:
                if records != self.records:
                    self.records = records
                    self._changed()
            await asyncio.sleep(_POLL_SECONDS)
