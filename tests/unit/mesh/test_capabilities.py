"""What Envoy, or the lab, cannot do is said of the object, so that nothing else breaks."""

from __future__ import annotations

from typing import Any

import pytest

from canario.mesh.model import Ref
from lab.mesh import formats, re2
from lab.mesh.assembly import UNSUPPORTED, Key, assemble
from tests.unit.mesh.objects import NAMESPACE, listener, node, router, shop

NODE, ROUTER = Key("VirtualNode", Ref(NAMESPACE, "web-v1")), Key("VirtualRouter", Ref(NAMESPACE, "web-router"))
SECOND = {"unit": "s", "value": 1}
OUTLIERS = {"maxServerErrors": 1, "maxEjectionPercent": 50, "baseEjectionDuration": SECOND}
NEVER = {**OUTLIERS, "interval": {"unit": "s", "value": 0}}
HEALTH = {"protocol": "http", "intervalMillis": 5000, "timeoutMillis": 2000, "unhealthyThreshold": 2}


@pytest.mark.parametrize("regex", ["a(?=b)", "(?<!a)b", r"(a)\1", "(?P<x>a)(?P=x)", "(?>a)", "a*+", "a{1001}", "("])
def test_regular_expressions_that_envoy_refuses(regex: str) -> None:
    """Whatever needs backtracking, or is no regular expression, is refused."""
    assert re2.trouble(regex)


@pytest.mark.parametrize("regex", ["/a/[^/]+", "(?i)a|b", r"\d{1,3}\.x", "[*+]", r"\(?=", r"\pL+", "(?P<x>a)", "a+?"])
def test_regular_expressions_that_envoy_takes(regex: str) -> None:
    """What RE2 knows is taken."""
    assert re2.trouble(regex) is None


@pytest.mark.parametrize("text", ["50%", "%NO_SUCH%", "%REQ%", "%DURATION(1)%", "%REQ(A%"])
def test_formats_that_envoy_refuses(text: str) -> None:
    """A text that is no format string would take the whole listener along."""
    assert formats.trouble(text)


@pytest.mark.parametrize("text", ["", "%%", "%REQ(:PATH?X)%", "%START_TIME(%s)% %DURATION%", "%RESP(SERVER):9%"])
def test_formats_that_envoy_takes(text: str) -> None:
    """Operators with and without arguments are taken."""
    assert formats.trouble(text) is None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"listeners": [{**listener(3000), "outlierDetection": NEVER}]}, "an interval or an ejection of 0"),
        ({"listeners": [{**listener(3000), "healthCheck": {**HEALTH, "port": 3001}}]}, "at port 3001"),
        ({"logging": {"accessLog": {"file": {"path": "/x", "format": {"text": "100%"}}}}}, "the access log's format"),
    ],
)
def test_nodes(spec: dict[str, Any], said: str) -> None:
    """A node that Envoy would refuse is told so, and the rest of the mesh is active."""
    findings = assemble(shop(virtual_nodes=(node("web-v1", **spec),)), {}).findings

    assert UNSUPPORTED == findings[NODE].reason
    assert said in findings[NODE].message
    assert findings[Key("VirtualService", Ref(NAMESPACE, "web"))].active


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"path": {"regex": "(?=a)"}}, "RE2 has no lookarounds"),
        ({"prefix": "/", "headers": [{"name": "x y"}]}, "the header 'x y'"),
        ({"prefix": "/", "method": "CONNECT"}, "method CONNECT"),
        ({"prefix": "/", "port": 1}, "route all matches port 1, at which the router does not listen"),
    ],
)
def test_routers(match: dict[str, Any], said: str) -> None:
    """A route that Envoy would refuse is told so."""
    changed = router("web-router", "web-v1")
    changed["spec"]["routes"][0]["httpRoute"]["match"] = match
    finding = assemble(shop(virtual_routers=(changed,)), {}).findings[ROUTER]

    assert UNSUPPORTED == finding.reason
    assert said in finding.message
