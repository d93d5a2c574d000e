"""The Node object of the lab's one node."""

from __future__ import annotations

import os
import platform
from datetime import datetime
from pathlib import Path

from canario.workshop.room import BALANCERS
from lab.cluster.client import Client
from lab.cluster.errors import ApiError
from lab.cluster.kubelet.machine import NODE
from lab.cluster.objects import Obj, timestamp

KUBELET_VERSION = "v1.36.0"
_MOST_PODS = 250
_MOST_BALANCERS = 254  # addresses (`lab.net.Block.load_balancer`)
# Processes of one machine share its processors: what a pod requests is not kept for it.
_SHARED_CPU = 20
_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def node(address: str, now: datetime) -> Obj:
    """The node, ready. `address` is its InternalIP."""
    labels = {
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": _architecture(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": labels},
        "spec": {},
        "status": status(address, now),
    }


def status(address: str, now: datetime) -> Obj:
    cores = os.cpu_count() or 1
    capacity = {
        "cpu": str(cores),
        "memory": f"{_memory()}Ki",
        "pods": str(_MOST_PODS),
        BALANCERS: str(_MOST_BALANCERS),
    }
    allocatable = {**capacity, "cpu": str(cores * _SHARED_CPU), "memory": f"{_free_memory()}Ki"}
    at = timestamp(now)
    return {
        "capacity": capacity,
        "allocatable": allocatable,
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": NODE}],
        "conditions": [
            {
                "type": t,
                "status": s,
                "reason": r,
                "message": m,
                "lastHeartbeatTime": at,
                "lastTransitionTime": at,
            }
            for t, s, r, m in _CONDITIONS
        ],
        "nodeInfo": {
            "architecture": _architecture(),
            "operatingSystem": "linux",
            "osImage": "processes of this machine",
            "kernelVersion": platform.release(),
            "kubeletVersion": KUBELET_VERSION,
            "containerRuntimeVersion": "lab://1",
            "kubeProxyVersion": "",
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
        },
    }


async def register(client: Client, address: str, now: datetime) -> None:
    """Make the Node object, or make it ready again."""
    wanted = node(address, now)
    try:
        await client.create("nodes", wanted)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
    await client.patch("nodes", NODE, None, {"status": wanted["status"]}, subresource="status")


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _free_memory() -> int:
    """Kibibytes that other programs of this machine leave, when the lab starts."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), _memory())


def _memory() -> int:
    """Kibibytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
