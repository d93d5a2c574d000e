"""What a container runs: its argv, environment and working directory on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import lab
from lab import processes
from lab.cluster.kubelet.environment import Lookup, Place, environment
from lab.cluster.kubelet.expansion import Mount, expand, relocate
from lab.cluster.kubelet.images import Image
from lab.cluster.objects import Obj

_OUTPUT = 10_000  # bytes kept of a probe's or a hook's output
MOUNTS = "LAB_MOUNTS"  # mountPath → real path, for programs that hand their paths to others
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True)
class Program:
    """Ready to be started."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    directory: Path
    mounts: Sequence[Mount] = ()

    def relocated(self, argv: Sequence[str]) -> list[str]:
        """Another command of the same container, with its mount paths where the lab has them."""
        return [relocate(arg, self.mounts) for arg in argv]


def program(
    pod: Obj,
    container: Obj,
    *,
    image: Image,
    place: Place,
    lookup: Lookup,
    mounts: Sequence[Mount],
    directory: Path,
) -> Program:
    """Put a container's program together. `directory` is its home. Raises ConfigError."""
    own = environment(pod, container, place, image.env, lookup)
    env = _surroundings(directory) | {name: relocate(value, mounts) for name, value in own.items()}
    env[MOUNTS] = json.dumps({mount.path: str(mount.real) for mount in mounts})
    command = [expand(arg, own) for arg in container.get("command") or []]
    args = [expand(arg, own) for arg in container.get("args") or []]
    argv = [*(command or image.argv), *args]
    where = _working_directory(container, mounts, directory)
    return Program(tuple(relocate(arg, mounts) for arg in argv), env, where, mounts)


def _surroundings(directory: Path) -> dict[str, str]:
    """What a process needs to run on this machine at all; Python finds the lab's own modules."""
    env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return env | {"HOME": str(directory), "PYTHONPATH": str(Path(lab.__file__).parent.parent)}


def _working_directory(container: Obj, mounts: Sequence[Mount], directory: Path) -> Path:
    """`workingDir` where it is in a volume; images have no files here, so else the container's home."""
    found = Path(relocate(container.get("workingDir") or "", mounts))
    return found if found.is_absolute() and found.is_dir() else directory


async def run_command(
    program: Program, argv: Sequence[str], *, name: str, run: Path, timeout: float
) -> tuple[int, str]:
    """Run a probe's or hook's command beside the container; its exit status and output. Raises StartError.

    It is killed with all that it started after `timeout` seconds, or when this is cancelled.
    """
    with tempfile.TemporaryFile() as output:
        child = processes.spawn(
            name, program.relocated(argv), run=run, output=output, env=program.env, cwd=program.directory
        )
        try:
            async with asyncio.timeout(timeout):
                await processes.ended(child.pid)
        finally:
            status = processes.reap(child)
        output.seek(0)
        return status, output.read(_OUTPUT).decode(errors="replace").strip()
