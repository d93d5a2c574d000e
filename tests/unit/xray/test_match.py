"""Which traces an expression means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.telemetry.xray.expression import And, Expression, Is, Not, Or
from lab.telemetry.xray.match import matches
from lab.telemetry.xray.parser import parse
from tests.unit.xray.documents import CRYSTAL, FRONTEND, NODEJS, PROXY, request_trace

GOOD, BAD = request_trace(1), request_trace(2, nodejs_fault=True)


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("fault", False, True),
        ("fault = false", True, False),
        ("ok", True, False),
        ("error OR throttle OR partial", False, False),
        ("http.status = 200", True, False),
        ("http.status >= 500 AND http.status < 600", False, True),
        ('http.url ENDSWITH "frontend-app_ns/"', True, True),
        ('http.method = "GET" AND http.useragent CONTAINS "a/"', True, True),
        ("responsetime > 0.015 AND responsetime < 0.025", True, True),
        ("duration > 1", False, False),
        (f'service("{NODEJS}")', True, True),
        (f'service("{NODEJS}") {{ fault }}', False, True),
        (f'service("{CRYSTAL}") {{ fault }}', False, False),
        (f'NOT service("{CRYSTAL}") {{ fault }}', True, True),
        (f'service("{NODEJS}") {{ responsetime > 0.015 }}', False, False),
        ('service("nobody")', False, False),
        (f'service(id(name: "{NODEJS}", type: "{PROXY}"))', True, True),
        (f'service(id(name: "{NODEJS}", type: "AWS::EC2::Instance"))', False, False),
        ("service() { http.status = 500 }", False, True),
        (f'edge("{FRONTEND}", "{NODEJS}")', True, True),
        (f'edge("{FRONTEND}", "{NODEJS}") {{ fault = true }}', False, True),
        (f'edge("{NODEJS}", "{FRONTEND}")', False, False),
        (f'edge("{FRONTEND}", "{CRYSTAL}") {{ NOT ok }}', False, False),
        ('annotation.direction = "ingress"', True, True),
        ('annotation.direction = "egress"', False, False),
        ("annotation.direction = 1", False, False),
        ("annotation[upstream_cluster]", True, True),
        ("annotation.nothing", False, False),
        ("user", False, False),
        (f'name = "{FRONTEND}"', True, True),
    ],
)
def test_meant(text: str, good: bool, bad: bool) -> None:
    """Of two requests, of which the second's nodejs failed, those are meant that it says."""
    assert (good, bad) == tuple(matches(parse(text), trace) for trace in (GOOD, BAD))


leaves = st.sampled_from([Is(each) for each in ("ok", "fault", "error", "http.url")])
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner) | st.builds(And, st.tuples(inner, inner)) | st.builds(Or, st.tuples(inner, inner))
    ),
)


@given(trees, trees)
def test_logic(one: Expression, other: Expression) -> None:
    """De Morgan holds: not both is one of them not."""
    for trace in (GOOD, BAD):
        assert matches(Not(And((one, other))), trace) == matches(Or((Not(one), Not(other))), trace)
