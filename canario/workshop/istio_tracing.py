"""Tracing in the dialect `gateway`: a Telemetry object, and whether the proxies follow it."""

from collections.abc import Iterator
from typing import Any

from canario.errors import RemoteError
from canario.mesh.proxies import LISTENERS
from canario.workshop import pods, proxies
from canario.workshop.dialects import dialect_of
from canario.workshop.kinds import TELEMETRY
from canario.workshop.names import SERVICES, Names
from canario.workshop.ports import Manifest, Ports
from canario.workshop.request import Request
from canario.workshop.stage import Finding, failed, inconclusive, passed

NAME = "tracing"
PROVIDER = "canario-traces"  # an extension provider of Istio's mesh configuration: the cluster's collector
SAMPLED_PERCENT = 5.0  # as App Mesh's own


def telemetry(names: Names) -> Manifest:
    """Every proxy of the workshop's namespace traces."""
    tracing = {"providers": [{"name": PROVIDER}], "randomSamplingPercentage": SAMPLED_PERCENT}
    return {
        "apiVersion": TELEMETRY.api_version,
        "kind": TELEMETRY.name,
        "metadata": {"name": NAME, "namespace": names.namespace, "labels": names.labels},
        "spec": {"tracing": [tracing]},
    }


def every_proxy_traces(request: Request, ports: Ports) -> Finding:
    """As each pod's proxy has it in force, by its own word."""
    found = pods.pods(ports.kubernetes, request.names.namespace, SERVICES)
    if not found:
        return inconclusive("there are no pods")
    said = {str(pod["metadata"]["name"]): _said(pod, request, ports) for pod in found}
    wrong = [f"{pod}: {text}" for pod, text in sorted(said.items()) if text != "traces"]
    if wrong:
        return failed(f"no tracing in {'; '.join(wrong)}", pods=said)
    return passed(f"the proxies of all {len(found)} pods trace", pods=said)


def _said(pod: Manifest, request: Request, ports: Ports) -> str:
    """`traces`, or why the pod's proxy does not."""
    name, proxy = str(pod["metadata"]["name"]), dialect_of(request).proxy
    try:
        dump = proxies.in_force(ports.kubernetes, proxy, request.names.namespace, name, LISTENERS)
    except RemoteError as error:
        return f"its proxy does not say what it does ({error})"
    return "traces" if any("provider" in each for each in _tracings(dump)) else "its proxy does not trace"


def _tracings(part: Any) -> Iterator[dict[str, Any]]:
    """Every HttpConnectionManager's field `tracing`, wherever it is."""
    if isinstance(part, dict):
        if isinstance(part.get("tracing"), dict):
            yield part["tracing"]
        for each in part.values():
            yield from _tracings(each)
    elif isinstance(part, list):
        for each in part:
            yield from _tracings(each)
