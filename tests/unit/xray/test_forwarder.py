"""The daemon: what it takes for a segment, and how it forwards."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.telemetry.xray.daemon import document
from lab.telemetry.xray.forwarder import BATCH, KEPT, Forwarder


@dataclass
class XRay:
    """Answers with `status`, or not at all; `refuses` are the documents that it does not process."""

    status: int | None = 200
    refuses: tuple[str, ...] = ()
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.status is None:
            raise OSError("refused")
        self.posted.append((path, body))
        given = body.get("TraceSegmentDocuments", [])
        refused = [{"ErrorCode": "ParseError", "Message": "no"} for each in given if each in self.refuses]
        return self.status, {"UnprocessedTraceSegments": refused}

    @property
    def batches(self) -> list[list[str]]:
        return [body["TraceSegmentDocuments"] for path, body in self.posted if path == "/TraceSegments"]

    @property
    def telemetry(self) -> dict[str, int]:
        [record] = next(body["TelemetryRecords"] for path, body in self.posted if path == "/TelemetryRecords")
        return {name.removeprefix("Segments").removesuffix("Count"): count for name, count in record.items()}


def forwarder(xray: XRay, *documents: str | None) -> Forwarder:
    found = Forwarder(xray, "pod-1", lambda: 0.0)
    for each in documents:
        found.add(each)
    return found


@pytest.mark.parametrize(
    ("datagram", "expected"),
    [
        (b'{"format":"json","version":1}\n{"a":1}', '{"a":1}'),
        (b'{"format": "json", "version": 1}\n{"a": "\\u00e9\n"}', None),
        (b'{"format":"json","version":2}\n{"a":1}', None),
        (b'{"format":"json","version":1}\n[]', None),
        (b'{"format":"json","version":1}', None),
        (b"\xff\xff", None),
        (b'{"format":"json","version":1}\n' + b"[" * 60000, None),
        (b"", None),
    ],
)
def test_a_datagram_is_a_header_and_a_segment(datagram: bytes, expected: str | None) -> None:
    """What does not begin with the daemon's header, or has no JSON object behind it, is no segment."""
    assert expected == document(datagram)


def test_batches() -> None:
    """Segments go in the order in which they came, at most fifty at a time."""
    xray = XRay()
    documents = [str(number) for number in range(BATCH + 7)]
    forwarder(xray, *documents).flush()

    assert [BATCH, 7] == [len(batch) for batch in xray.batches]
    assert documents == [each for batch in xray.batches for each in batch]


@pytest.mark.parametrize("trouble", [None, 500])
def test_while_xray_does_not_answer_segments_wait(trouble: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    """They are sent when it answers again, still in order, and the log says what happened."""
    xray = XRay(status=trouble)
    found = forwarder(xray, "1", "2")
    found.flush()
    xray.status, xray.posted = 200, []
    found.flush()

    assert [["1", "2"]] == xray.batches
    said = capsys.readouterr().out
    assert "[Error] Sending 2 segments failed" in said
    assert "[Info] Successfully sent batch of 2 segments" in said


def test_what_waits_is_bounded() -> None:
    """The oldest segments go when too many wait, and telemetry says how many went."""
    xray = XRay()
    found = forwarder(xray, *map(str, range(KEPT + 3)))
    found.flush()
    found.tell_telemetry()

    assert "3" == xray.batches[0][0]
    assert {"Received": KEPT + 3, "Sent": KEPT, "Spillover": 3, "Rejected": 0} == {
        name: xray.telemetry[name] for name in ("Received", "Sent", "Spillover", "Rejected")
    }


def test_what_xray_refuses_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A segment that X-Ray does not process is in the log and counted, and is not sent again."""
    xray = XRay(refuses=("bad",))
    found = forwarder(xray, "good", "bad", None)
    found.flush()
    found.flush()
    found.tell_telemetry()

    assert [["good", "bad"]] == xray.batches
    assert (1, 2) == (xray.telemetry["Sent"], xray.telemetry["Rejected"])
    assert "Unprocessed segment : ParseError: no" in capsys.readouterr().out
