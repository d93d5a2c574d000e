"""What the daemon has received and not yet given to X-Ray, in batches, with its own telemetry."""

import http.client
import json
import sys
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Protocol
from urllib.parse import urlsplit

BATCH = 50  # documents; X-Ray takes no more in one PutTraceSegments
KEPT = 2000  # documents; what is older goes first while X-Ray does not answer
TELEMETRY_SECONDS = 60.0
_TIMEOUT = 5.0


class Post(Protocol):
    """POSTs JSON to a path of X-Ray; the answer's status and members. Raises OSError when there is none."""

    def __call__(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]: ...


class Http:
    """X-Ray at `endpoint`, over one connection that is made again when it broke."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_TIMEOUT)

    def __call__(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            self._connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            response = self._connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        except (http.client.HTTPException, ValueError, OSError) as error:
            self._connection.close()
            raise OSError(f"{type(error).__name__}: {error}") from error


class Forwarder:
    """`clock` is the time in seconds of the epoch."""

    def __init__(self, post: Post, hostname: str, clock: Callable[[], float]) -> None:
        self._post, self._hostname, self._clock = post, hostname, clock
        self._waiting: deque[str] = deque()
        self._counts = _no_counts()
        self._told = clock()

    @property
    def is_full(self) -> bool:
        """Whether a whole batch waits."""
        return len(self._waiting) >= BATCH

    def add(self, document: str | None) -> None:
        """A segment that came; None for what was none."""
        self._counts["SegmentsReceivedCount"] += 1
        if document is None:
            self._counts["SegmentsRejectedCount"] += 1
            return
        self._waiting.append(document)
        while len(self._waiting) > KEPT:
            self._waiting.popleft()
            self._counts["SegmentsSpilloverCount"] += 1

    def flush(self) -> None:
        """Send what waits. What X-Ray did not answer stays; what it refused is told and gone."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not self._send(batch):
                self._waiting.extendleft(reversed(batch))
                return
        if self._clock() - self._told >= TELEMETRY_SECONDS:
            self.tell_telemetry()

    def tell_telemetry(self) -> None:
        """PutTelemetryRecords: what happened since the last time."""
        record = {"Timestamp": self._clock(), **self._counts}
        try:
            self._post("/TelemetryRecords", {"TelemetryRecords": [record], "Hostname": self._hostname})
        except OSError as error:
            log("Error", f"Sending telemetry records failed: {error}")
            return
        self._told, self._counts = self._clock(), _no_counts()

    def _send(self, batch: list[str]) -> bool:
        began = perf_counter()
        try:
            status, answer = self._post("/TraceSegments", {"TraceSegmentDocuments": batch})
        except OSError as error:
            log("Error", f"Sending {len(batch)} segments failed: {error}; trying again")
            return False
        if status >= 500:
            log("Error", f"Sending {len(batch)} segments failed: X-Ray answered {status}; trying again")
            return False
        refused = answer.get("UnprocessedTraceSegments", []) if status == 200 else batch
        self._counts["SegmentsSentCount"] += len(batch) - len(refused)
        self._counts["SegmentsRejectedCount"] += len(refused)
        if status != 200:
            log("Error", f"X-Ray refused a batch of {len(batch)} segments with {status}: {answer.get('Message')}")
            return True
        for each in refused:
            log("Error", f"Unprocessed segment {each.get('Id', '')}: {each['ErrorCode']}: {each['Message']}")
        sent = len(batch) - len(refused)
        log("Info", f"Successfully sent batch of {sent} segments ({perf_counter() - began:.3f} seconds)")
        return True


def log(level: str, message: str) -> None:
    """A line for `kubectl logs -c xray-daemon`."""
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} [{level}] {message}", file=sys.stdout, flush=True)  # noqa: T201


def _no_counts() -> dict[str, int]:
    names = ("SegmentsReceivedCount", "SegmentsSentCount", "SegmentsSpilloverCount", "SegmentsRejectedCount")
    return dict.fromkeys(names, 0)
