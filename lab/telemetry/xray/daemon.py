"""`python -m lab.telemetry.xray.daemon`: what the container `xray-daemon` runs.

Takes segments at UDP port 2000 of the pod's own address and forwards them in batches to X-Ray. It runs beside every
sidecar, so it imports little: a Python with a socket. On SIGTERM it goes on until no segment has come for a second.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.telemetry.xray.forwarder import Forwarder, Http, log

PORT = 2000
HEADER = {"format": "json", "version": 1}
FLUSH_SECONDS = 1.0
QUIET_SECONDS = 1.0  # after SIGTERM: as long as the sidecar's Envoy waits for its own last request
LONGEST_DRAIN_SECONDS = 10.0
_LARGEST_DATAGRAM = 64 * 1024
_BUFFER = 2**20


@dataclass(frozen=True)
class Settings:
    """`address`: where segments come; `endpoint`: where X-Ray answers."""

    address: tuple[str, int]
    endpoint: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        host, endpoint = environment.get("POD_IP"), environment.get("AWS_ENDPOINT_URL_XRAY")
        if not host or not endpoint:
            raise SystemExit("xray-daemon: the environment lacks POD_IP or AWS_ENDPOINT_URL_XRAY: the lab sets both")
        return cls((host, PORT), endpoint)


def document(datagram: bytes) -> str | None:
    """The segment in a datagram, `{"format": "json", "version": 1}`, a line break, the segment; else None."""
    header, _, rest = datagram.partition(b"\n")
    try:
        if json.loads(header) != HEADER or not isinstance(json.loads(rest), dict):
            return None
        return rest.decode()
    except (ValueError, RecursionError):
        return None


class Daemon:
    """Receives and forwards, in one thread: while it forwards, the kernel keeps what comes."""

    def __init__(self, receiver: socket.socket, forwarder: Forwarder, clock: Callable[[], float]) -> None:
        self._receiver, self._forwarder, self._clock = receiver, forwarder, clock
        self._told_at: float | None = None
        self._last = self._flushed = clock()

    def tell(self) -> None:
        """End once it is quiet."""
        self._told_at = self._told_at or self._clock()

    def run(self) -> None:
        while not self._is_over():
            self._receive()
            if self._forwarder.is_full or self._clock() - self._flushed >= FLUSH_SECONDS:
                self._forwarder.flush()
                self._flushed = self._clock()
        self._forwarder.flush()
        self._forwarder.tell_telemetry()

    def _receive(self) -> None:
        wait = FLUSH_SECONDS - (self._clock() - self._flushed)
        self._receiver.settimeout(max(wait, 0.01))
        try:
            datagram = self._receiver.recv(_LARGEST_DATAGRAM)
        except TimeoutError:
            return
        self._last = self._clock()
        found = document(datagram)
        if found is None:
            log("Error", f"no segment: {datagram[:60]!r}")
        self._forwarder.add(found)

    def _is_over(self) -> bool:
        if self._told_at is None:
            return False
        now = self._clock()
        quiet = now - max(self._last, self._told_at) >= QUIET_SECONDS
        return quiet or now - self._told_at >= LONGEST_DRAIN_SECONDS


def main() -> int:
    settings = Settings.read(os.environ)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    receiver.bind(settings.address)
    forwarder = Forwarder(Http(settings.endpoint), os.environ.get("HOSTNAME", "xray-daemon"), time.time)
    daemon = Daemon(receiver, forwarder, time.monotonic)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.tell())
    log("Info", f"Starting proxy of segments at udp:{settings.address[0]}:{settings.address[1]}")
    daemon.run()
    log("Info", "Shutting down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
