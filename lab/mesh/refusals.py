"""Tells people what a pod's Envoy refuses: in the controller's log, and as an event of the pod."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from canario.mesh.model import Ref
from lab.envoy.refusals import FILE
from lab.mesh import statuses
from lab.mesh.cluster import MANAGER, Cluster
from lab.mesh.world import ref_of

REASON = "EnvoyRefused"

_LOOK_SECONDS = 1.0

_log = logging.getLogger(__name__)


async def follow(directory: Path, cluster: Cluster) -> None:
    """Look at every pod's `refused.json` for ever; `directory` has the pods' directories."""
    told: dict[Ref, str] = {}
    while True:
        found = dict(_refusals(directory))
        for ref, message in found.items():
            if told.get(ref) != message:
                _log.warning("the Envoy of pod %s refuses %s", ref, message)
                await _record(ref, message, cluster)
        told = found
        await asyncio.sleep(_LOOK_SECONDS)


def _refusals(directory: Path) -> Iterator[tuple[Ref, str]]:
    for path in sorted(directory.glob(f"*/*/{FILE}")):
        try:
            refused = json.loads(path.read_text())
        except FileNotFoundError:
            continue
        ref = Ref(path.parent.parent.name, path.parent.name)
        yield ref, "; ".join(f"{each['what']} ({each['version']}): {each['reason']}" for each in refused)


async def _record(ref: Ref, message: str, cluster: Cluster) -> None:
    pod = next((each for each in cluster.world().pods if ref_of(each) == ref), None)
    if pod is None:
        return
    text = f"Envoy keeps what it had, and refuses {message}"
    try:
        await cluster.record(statuses.warning(pod, REASON, text, MANAGER, datetime.now(UTC)))
    except httpx2.HTTPError as error:
        _log.warning("an event of pod %s: %s", ref, error)
