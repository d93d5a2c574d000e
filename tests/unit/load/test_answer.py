import json

import pytest

from lab.load import answer


def frontend(nodejs: int | None) -> bytes:
    return json.dumps({"message": "crystal answered 500", "upstreams": {"nodejs": {"status": nodejs}}}).encode()


def test_node() -> None:
    """The frontend's header names the node; without it the node is unknown."""
    assert [answer.node({"x-canario-nodejs": "v2"}), answer.node({})] == ["nodejs/v2", "unknown"]


@pytest.mark.parametrize(
    ("status", "body", "failed"),
    [
        (200, frontend(200), False),
        (502, frontend(500), True),
        (502, frontend(None), True),
        (502, frontend(200), False),
        (503, b"no healthy upstream", True),
        (503, b"[]", True),
    ],
)
def test_node_failed(status: int, body: bytes, failed: bool) -> None:
    """A node failed when its own answer was a 5xx or none, not when only another upstream's was."""
    assert answer.node_failed(status, body) is failed


def test_failure_in_words() -> None:
    """A failure says what the demo said, or else what came."""
    assert answer.failure(200, b"") is None
    assert answer.failure(502, frontend(200)) == "status 502: crystal answered 500"
    assert answer.failure(503, b"no healthy upstream") == "status 503: no healthy upstream"
