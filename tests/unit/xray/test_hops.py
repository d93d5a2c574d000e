"""Which service was asked by which."""

from lab.telemetry.xray.hops import CLIENT, Service, hops
from tests.unit.xray.documents import CRYSTAL, FRONTEND, NODEJS, PROXY, START, request_trace, segment, segment_id

FRONT, NODE, CRYS = (Service(name, PROXY) for name in (FRONTEND, NODEJS, CRYSTAL))


def test_a_request_enters_each_service_once() -> None:
    """Envoy's segments for what a service sends on are no entries of their own; its callees' parents they are."""
    found = [(hop.caller, hop.callee) for hop in request_trace().hops]

    assert {(CLIENT, FRONT), (FRONT, NODE), (FRONT, CRYS)} == set(found)
    assert 3 == len(found)


def test_a_missing_parent_is_no_client() -> None:
    """While the caller's own segment is not there, nobody is said to have called."""
    [hop] = hops([segment(NODEJS, 2, 1)])

    assert (None, NODE, False) == (hop.caller, hop.callee, hop.is_root)


def test_a_call_to_what_sends_no_segments_is_inferred() -> None:
    """A subsegment about a call stands for a service that says nothing itself, and not for one that does."""
    calls = [
        {"name": name, "id": segment_id(number), "start_time": START, "end_time": START, "namespace": namespace}
        for name, number, namespace in (("DynamoDB", 7, "aws"), ("example.com", 8, "remote"), (NODEJS, 9, "remote"))
    ]
    found = hops([segment(FRONTEND, 1, subsegments=calls), segment(NODEJS, 2, 9)])

    edges = {hop.callee: (hop.caller, hop.inferred) for hop in found}
    assert {
        FRONT: (CLIENT, False),
        NODE: (FRONT, False),
        Service("DynamoDB", "AWS::DynamoDB"): (FRONT, True),
        Service("example.com", "remote"): (FRONT, True),
    } == edges


def test_a_subsegment_sent_by_itself_belongs_to_its_parents_service() -> None:
    """A service may send its subsegments one by one, in any order."""
    found = hops([segment(NODEJS, 4, 3), segment("call", 3, 2, type="subsegment"), segment(FRONTEND, 2)])

    assert (FRONT, NODE) in [(hop.caller, hop.callee) for hop in found]
