"""Segment documents, read."""

import json

import pytest

from lab.telemetry.xray.segments import BadSegmentError, every, parse
from tests.unit.xray.documents import NODEJS, PROXY, START, document, segment, segment_id


def test_envoys_segment() -> None:
    """A document of Envoy's becomes a segment with all that X-Ray indexes."""
    found = segment(NODEJS, 2, 1, fault=True)

    assert (NODEJS, segment_id(2), segment_id(1)) == (found.name, found.id, found.parent)
    assert (PROXY, True, False, 500) == (found.origin, found.fault, found.ok, found.http.status)
    assert {"direction": "ingress", "upstream_cluster": "c"} == found.annotations
    assert 0.01 == pytest.approx(found.seconds, abs=1e-6)


def test_a_segment_in_progress_has_no_end() -> None:
    """A segment may be sent before it ends, and again when it has."""
    found = parse(json.dumps({**json.loads(document("a", 1)), "end_time": None, "in_progress": True}))

    assert (None, 0.0) == (found.end, found.seconds)


def test_subsegments_are_inside_their_segment() -> None:
    """Embedded subsegments belong to the segment's trace, and it is their parent."""
    inside = {"name": "dynamodb", "id": segment_id(9), "start_time": START, "end_time": START, "namespace": "aws"}
    found = segment("a", 1, subsegments=[inside])

    assert [segment_id(1), segment_id(9)] == [part.id for part in every(found)]
    assert (segment_id(1), found.trace, True) == (
        found.inside[0].parent,
        found.inside[0].trace,
        found.inside[0].is_subsegment,
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "ParseError"),
        ("[]", "ParseError"),
        ("[" * 60000, "ParseError"),
        (document("a", 1, trace_id="1-2-3"), "InvalidTraceId"),
        (document("a", 1, id="xyz"), "InvalidId"),
        (document("", 1), "InvalidName"),
        (document("a", 1, start_time="now"), "MissingStartTime"),
        (document("a", 1, end_time=None), "MissingEndTime"),
        (document("a", 1, type="subsegment"), "MissingParentId"),
        (document("a", 1, subsegments=[7]), "InvalidSubsegments"),
        (document("a", 1, metadata="x" * 65536), "SegmentTooLarge"),
    ],
)
def test_what_xray_does_not_take(text: str, code: str) -> None:
    """A document that is wrong is refused with a code."""
    with pytest.raises(BadSegmentError) as refused:
        parse(text)

    assert code == refused.value.code
