"""The controller's command line: those of the App Mesh controller's flags that the lab acts on."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence

from lab.mesh.tracing import DAEMON_PORT, SAMPLING_RATE, Tracing

_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")  # as Go's flags have them

_log = logging.getLogger(__name__)


def parse(argv: Sequence[str]) -> Tracing | None:
    """How new pods are traced; None when they are not. Exits with a message when a value is not allowed.

    The real controller has many more flags, and its chart gives them: they are named in the log and left alone.
    """
    parser = argparse.ArgumentParser(prog="python -m lab.mesh", allow_abbrev=False)
    parser.add_argument("--enable-xray-tracing", type=_boolean, nargs="?", const=True, default=False)
    parser.add_argument("--xray-daemon-port", type=int, choices=(DAEMON_PORT,), default=DAEMON_PORT)
    parser.add_argument("--xray-sampling-rate", type=_rate, default=SAMPLING_RATE, help="0 to 1")
    options, others = parser.parse_known_args(argv)
    if others:
        _log.warning("flags without effect in the lab: %s", " ".join(others))
    if not options.enable_xray_tracing:
        return None
    return Tracing(port=options.xray_daemon_port, rate=options.xray_sampling_rate)


def _boolean(text: str) -> bool:
    if text.lower() in (*_TRUE, *_FALSE):
        return text.lower() in _TRUE
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: true, false")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if 0 <= rate <= 1:
        return rate
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: 0 to 1")
