"""What Route 53 and Cloud Map call things, read again about once a second: neither has a way to watch."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab.vpc import cloudmap, route53

log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0


class Zones:
    """`records` are the last known ones of both; `changed` is called when they change."""

    def __init__(self, zones: Any, cloud_map: Any, changed: Callable[[], None]) -> None:
        self._zones, self._cloud_map, self._changed = zones, cloud_map, changed
        self.records: dict[str, tuple[str, ...]] = {}

    async def run(self) -> None:
        """Poll until cancelled. What was known stays known while one of them does not answer."""
        while True:
            try:
                records = await asyncio.to_thread(self._read)
            except (BotoCoreError, ClientError) as error:
                log.warning("reading Route 53 and Cloud Map: %s; keeping %d records", error, len(self.records))
            else:
                if records != self.records:
                    self.records = records
                    self._changed()
            await asyncio.sleep(_POLL_SECONDS)

    def _read(self) -> dict[str, tuple[str, ...]]:
        return {**cloudmap.records(self._cloud_map), **route53.records(self._zones)}
