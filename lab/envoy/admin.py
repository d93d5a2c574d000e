"""An Envoy's admin endpoint, as an asyncio client."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from canario.errors import RemoteError

_TIMEOUT = aiohttp.ClientTimeout(total=5)


class Admin:
    """Talks to one Envoy. The session is the caller's, so that many Envoys share one."""

    def __init__(self, session: aiohttp.ClientSession, address: tuple[str, int]) -> None:
        self._session = session
        self.url = f"http://{address[0]}:{address[1]}"

    async def ready(self) -> bool:
        """Whether Envoy takes traffic; False also when nobody answers."""
        try:
            async with self._session.get(f"{self.url}/ready", timeout=_TIMEOUT) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def counters(self, pattern: str) -> Mapping[str, int]:
        """Counters and gauges whose names match the regular expression (RE2), by name."""
        stats = await self._json("/stats", {"format": "json", "filter": pattern})
        return {stat["name"]: int(stat["value"]) for stat in stats["stats"] if "value" in stat}

    async def histograms(self, pattern: str) -> Mapping[str, Mapping[float, int]]:
        """Histograms by name: upper edge → how many values ever were at most that (cumulative)."""
        query = {"format": "json", "histogram_buckets": "cumulative", "filter": pattern}
        found: dict[str, Mapping[float, int]] = {}
        for stat in (await self._json("/stats", query))["stats"]:
            for histogram in stat.get("histograms", []):
                buckets = histogram["buckets"]
                found[histogram["name"]] = {bucket["upper_bound"]: bucket["cumulative"] for bucket in buckets}
        return found

    async def config_dump(self, resource: str) -> list[Mapping[str, Any]]:
        """The configuration in force: `resource` as `dynamic_route_configs`, `dynamic_active_clusters` …"""
        dump = await self._json("/config_dump", {"resource": resource})
        return list(dump.get("configs", []))

    async def drain(self) -> None:
        """Answer with `connection: close` from now on, and stop being ready; listeners stay open."""
        await self._post("/healthcheck/fail")

    async def quit(self) -> None:
        """End the process."""
        await self._post("/quitquitquit")

    async def _json(self, path: str, query: Mapping[str, str]) -> Any:
        try:
            async with self._session.get(self.url + path, params=query, timeout=_TIMEOUT) as response:
                response.raise_for_status()
                return await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RemoteError(f"reading {path} of Envoy at {self.url}: {error or 'no answer'}") from error

    async def _post(self, path: str) -> None:
        try:
            async with self._session.post(self.url + path, timeout=_TIMEOUT) as response:
                response.raise_for_status()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RemoteError(f"posting {path} to Envoy at {self.url}: {error or 'no answer'}") from error
