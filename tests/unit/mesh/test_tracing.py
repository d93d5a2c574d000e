"""Tracing by X-Ray: flags, containers, and what listeners become."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import pytest

from canario.mesh.model import Mesh, Node, Ref
from lab.envoy.resources import http_listener
from lab.mesh.assembly import assemble
from lab.mesh.flags import parse
from lab.mesh.injection import INJECT, inject
from lab.mesh.tracing import Tracing, of_pod, sampling_rules, traced
from tests.unit.mesh.objects import NAMESPACE, namespace, pod, shop

POD_IP, APP_IP = "127.9.16.1", "127.9.144.1"


def injected(trace: Tracing | None, *containers: dict[str, Any]) -> dict[str, Any]:
    world, new = shop(namespaces=(namespace(**{INJECT: "enabled"}),)), pod("web-1", "web-v1")
    new["spec"]["containers"] += containers
    patch = inject(new, NAMESPACE, world, assemble(world, {}).meshes, trace)
    return jsonpatch.apply_patch(copy.deepcopy(new), patch)


def names(found: dict[str, Any]) -> list[str]:
    return [container["name"] for container in found["spec"]["containers"]]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], None),
        (["--enable-xray-tracing=false"], None),
        (["--enable-xray-tracing"], Tracing()),
        (["--enable-xray-tracing=true"], Tracing(rate=0.05)),
        (["--enable-xray-tracing=True", "--xray-sampling-rate=1"], Tracing(rate=1.0)),
        (["--aws-region=us-west-1", "--enable-xray-tracing=1", "--enable-leader-election"], Tracing()),
    ],
)
def test_flags(argv: list[str], expected: Tracing | None) -> None:
    """The controller's own flags turn tracing on; those that the lab does not know change nothing."""
    assert expected == parse(argv)


@pytest.mark.parametrize("argv", [["--enable-xray-tracing=yes"], ["--xray-sampling-rate=5"], ["--xray-daemon-port=1"]])
def test_flags_that_are_not_allowed(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A value that is not allowed ends the controller, and its log names the flag."""
    with pytest.raises(SystemExit):
        parse(argv)

    assert argv[0].partition("=")[0] in capsys.readouterr().err


def test_injected_daemon() -> None:
    """With tracing on a pod gets the daemon beside its sidecar, and the sidecar is told."""
    found = injected(Tracing(rate=0.5))

    assert ["web-v1", "envoy", "xray-daemon"] == names(found)
    assert "aws-xray-daemon" in found["spec"]["containers"][2]["image"]
    assert Tracing(rate=0.5) == of_pod(found, "envoy")


def test_a_pods_own_daemon_is_kept() -> None:
    """A pod that brings a daemon gets no second one."""
    found = injected(Tracing(), {"name": "xray-daemon", "image": "own"})

    assert ["web-v1", "xray-daemon", "envoy"] == names(found)


def test_without_tracing() -> None:
    """A pod that started before tracing was on goes on without."""
    found = injected(None)

    assert (["web-v1", "envoy"], None) == (names(found), of_pod(found, "envoy"))


def test_probes_are_not_traced() -> None:
    """What the kubelet asks of the application is never sampled; the sidecar's own probes do not come that way."""
    found = injected(Tracing())
    found["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"path": "/health", "port": 3000}}
    trace = of_pod(found, "envoy")
    assert trace

    rules = sampling_rules(trace)

    assert [("/health", 0, 0.0)] == [(each["url_path"], each["fixed_target"], each["rate"]) for each in rules["rules"]]
    assert {"fixed_target": 1, "rate": 0.05} == rules["default"]


def manager(listener: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def test_listeners() -> None:
    """Both directions trace under the node's name, to the daemon at the pod's address; Envoy knows which is which."""
    mesh, node = Mesh("m", "app-mesh"), Node(Ref("ns", "nodejs-app"), "nodejs-app_ns")
    listeners = [http_listener(name, (ip, 1)) for name, ip in (("in", POD_IP), ("out", APP_IP))]
    before = json.dumps(listeners)

    found = traced(listeners, mesh, node, POD_IP, Tracing())

    assert ["INBOUND", "OUTBOUND"] == [each["traffic_direction"] for each in found]
    for each in found:
        config = manager(each)["tracing"]["provider"]["typed_config"]
        assert "app-mesh/nodejs-app_ns" == config["segment_name"]
        assert {"protocol": "UDP", "address": POD_IP, "port_value": 2000} == config["daemon_endpoint"]
    assert before == json.dumps(listeners)
    assert listeners == traced(listeners, mesh, node, POD_IP, None)
