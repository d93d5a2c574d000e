"""The load on one workshop: started when there is something to call, stopped when the workshop is frozen.

It holds the lease `canario-load` in the workshop's namespace while it runs; the `clean` stage waits for it
(`canario/workshop/stages/s10_clean.py`).
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from canario.workshop.frozen import FROZEN
from canario.workshop.kinds import LEASE, NAMESPACE, SERVICE
from canario.workshop.names import Names, load_balancer
from canario.workshop.ports import Kubernetes
from canario.workshop.stages.s10_clean import LOAD_LEASE
from lab import processes

LEASE_SECONDS = 15
RENEW = timedelta(seconds=4)
GRACE = 10.0


class AttachedLoad:
    """A load generator process and its lease."""

    def __init__(self, lab: Path, kubernetes: Kubernetes, names: Names, rate: float, *, alone: bool = True) -> None:
        """`alone`: whether it is the lab's only load; any other has the workshop's id in its files' names."""
        self._lab, self._kubernetes, self._names, self._rate = lab, kubernetes, names, rate
        self._suffix = "" if alone else f"-{names.workshop}"
        self._report = lab / f"traffic{self._suffix}.json"
        self._report.unlink(missing_ok=True)
        self._child: processes.Child | None = None
        self._renewed = datetime.fromtimestamp(0, UTC)
        self._done = False

    def keep(self, now: datetime, *, wanted: bool) -> None:
        """Start it when `wanted`, renew its lease, stop it when the workshop is frozen. Call it often."""
        if self._done or (self._child is None and not wanted):
            return
        if self._is_frozen():
            self.stop(now)
        elif self._child is None:
            self._start(now)
        elif now - self._renewed > RENEW:
            self._hold(now)

    def stop(self, now: datetime) -> None:
        """End the load and let go of the lease. Harmless when it does not run."""
        if self._child is None:
            return
        processes.stop(self._child, grace=GRACE)
        self._child, self._done = None, True
        if self._kubernetes.get(NAMESPACE, self._names.namespace):
            self._write_lease({"holderIdentity": ""})

    def traffic(self) -> dict[str, Any]:
        """The load's own counts so far."""
        try:
            found: dict[str, Any] = json.loads(self._report.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _start(self, now: datetime) -> None:
        address = self._address()
        if address is None:
            return
        self._hold(now)
        argv = [sys.executable, "-m", "lab.load", "--url", f"http://{address}/", "--rate", f"{self._rate:g}"]
        self._child = processes.start(f"load{self._suffix}", [*argv, "--report", str(self._report)], lab=self._lab)

    def _address(self) -> str | None:
        """The frontend's load balancer, as a browser outside the cluster would reach it."""
        service = self._kubernetes.get(SERVICE, load_balancer("frontend"), self._names.namespace) or {}
        ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
        return ingress[0].get("ip")

    def _is_frozen(self) -> bool:
        namespace = self._kubernetes.get(NAMESPACE, self._names.namespace) or {}
        return FROZEN in namespace.get("metadata", {}).get("annotations", {})

    def _hold(self, now: datetime) -> None:
        self._write_lease(
            {
                "holderIdentity": "make lab",
                "leaseDurationSeconds": LEASE_SECONDS,
                "renewTime": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            }
        )
        self._renewed = now

    def _write_lease(self, spec: dict[str, Any]) -> None:
        metadata = {"name": LOAD_LEASE, "namespace": self._names.namespace, "labels": self._names.labels}
        self._kubernetes.apply(
            {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata, "spec": spec}
        )
