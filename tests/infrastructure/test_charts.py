"""The chart that is our own, rendered by the real helm; what others' charts are told, by the keys that they have."""

import subprocess
from pathlib import Path

import pytest
import yaml

from canario.workshop.access import GATEWAY
from canario.workshop.istio_tracing import telemetry
from lab import kubectl
from stacks.constructs.charts import GATEWAY_API, base_values, istiod_values, load_balancer_values
from stacks.constructs.tracing_collector import PORT, configuration
from tests.infrastructure.chart_values import BASE, GATES, ISTIOD, LOAD_BALANCERS, unknown
from tests.unit.workshop.world import DEFAULT


def test_the_gateway_apis_definitions_are_those_that_roles_speak_of(tmp_path: Path) -> None:
    """Helm takes the chart, and every kind of the Gateway API that a function may touch is defined by it."""
    kubectl.install(tmp_path)
    done = subprocess.run(
        [str(tmp_path / "helm"), "template", "gateway-api", str(GATEWAY_API), "--include-crds"],
        capture_output=True,
        text=True,
        check=True,
        env={f"HELM_{kind}_HOME": str(tmp_path / kind) for kind in ("CACHE", "CONFIG", "DATA")},
    )
    defined = {each["metadata"]["name"] for each in yaml.safe_load_all(done.stdout) if each}
    touched = {resource for verbs in GATEWAY.values() for resource in verbs if "gateway.networking.k8s.io" in resource}

    assert touched
    assert touched <= defined


def test_istio_sends_traces_to_the_collector_that_listens() -> None:
    """By OTLP, at the port where the collector's configuration has its receiver."""
    (provider,) = istiod_values(("traces.ns.svc", PORT))["meshConfig"]["extensionProviders"]
    made = configuration("us-west-1")
    (named,) = telemetry(DEFAULT.names)["spec"]["tracing"][0]["providers"]
    (pipeline,) = made["service"]["pipelines"].values()

    assert provider["name"] == named["name"]
    assert provider["opentelemetry"] == {"service": "traces.ns.svc", "port": PORT}
    assert made["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].endswith(f":{PORT}")
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) <= set(made[part])


CHARTS = {
    "base": (base_values(), BASE),
    "istiod": (istiod_values(("traces.ns.svc", PORT)), ISTIOD),
    "load balancers": (load_balancer_values("app-mesh", "us-west-1", "vpc-1"), LOAD_BALANCERS),
}


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_takes_what_it_is_told(chart: str) -> None:
    """Helm takes any key in silence: one that a chart does not have does nothing."""
    values, known = CHARTS[chart]

    assert list(unknown(values, known)) == []


def test_a_key_in_the_wrong_place_is_found() -> None:
    """The table itself is no better than what it refuses."""
    wrong = {"meshConfig": {"tracing": True, "extensionProviders": [{"nane": "x"}]}, "pilot": {"autoscaleMin": "2"}}

    assert list(unknown(wrong, ISTIOD)) == [
        ".meshConfig.tracing: there is no such key",
        ".meshConfig.extensionProviders[0].nane: there is no such key",
        ".pilot.autoscaleMin: '2' is not what it takes",
    ]


def test_the_load_balancer_controller_has_nothing_on_that_it_may_not_do() -> None:
    """No WAF, no Shield, no Gateway API; and it is told what it would ask the instance for, which answers no pod."""
    values = load_balancer_values("app-mesh", "us-west-1", "vpc-1")

    assert not any(values[name] for name in ("enableShield", "enableWaf", "enableWafv2"))
    assert values["controllerConfig"]["featureGates"] == dict.fromkeys(GATES, False)
    assert (values["clusterName"], values["region"], values["vpcId"]) == ("app-mesh", "us-west-1", "vpc-1")
    assert values["serviceAccount"]["create"] is False
