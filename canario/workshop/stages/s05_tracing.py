"""`tracing` — the document's "Observabilidade": every request's way can be seen in X-Ray.

In App Mesh a flag of the controller; in the dialect `gateway` a Telemetry object, which the proxies follow as they run.

What the document's `helm upgrade … tracing.enabled=true` does is a flag of the controller; a pod that starts
afterwards gets the container `xray-daemon`. The stage `clean` has nothing to do for this one: the flag goes with
the controller, the containers with their pods, and traces cannot be deleted, they expire.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from canario.errors import NotReady, RemoteError
from canario.workshop import istio_tracing, pods
from canario.workshop.application import UPSTREAMS, url
from canario.workshop.dialects import APP_MESH, GATEWAY_API, dialect_of
from canario.workshop.kinds import DEPLOYMENT, TELEMETRY
from canario.workshop.names import SERVICES, deployment
from canario.workshop.ports import Manifest, Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, inconclusive, passed
from canario.workshop.stages.s03_controller import CONTROLLER, SYSTEM, flags, others
from canario.workshop.traces import is_whole

FLAG = "--enable-xray-tracing"
DAEMON = "xray-daemon"
TRACED = "canario/tracing"  # the pod template's annotation: with which tracing its pods were started anew
PROVIDER = "x-ray"
CALLER = "frontend"
LONGEST_LOOK = timedelta(hours=5)  # back; X-Ray takes six
# Of what was traced while the pods started anew parts are missing for good: only the newest traces are looked at.
TRACE_LOOK = timedelta(seconds=90)
TRACES = 25


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """App Mesh: tell the controller to trace; once the one that does is running, start the pods anew."""
    if request.mesh == GATEWAY_API.id:
        ports.kubernetes.apply(istio_tracing.telemetry(request.names))
        return {}
    if ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM) is None:
        raise NotReady(f"stage tracing: there is no {SYSTEM}/{CONTROLLER}; solve the stage controller first")
    _tell_controller(ports, [f"{FLAG}=true"])
    _annotate(request, ports, PROVIDER)
    return {}


def clean(request: Request, ports: Ports) -> None:
    """Start the pods anew, untraced unless another workshop has the controller trace. Raises NotReady."""
    if request.mesh == GATEWAY_API.id:
        ports.kubernetes.delete(TELEMETRY, istio_tracing.NAME, request.names.namespace)
        return
    if not others(request, ports) and ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM):
        _tell_controller(ports, [])
    _annotate(request, ports, None)


def rolled_out(request: Request, ports: Ports) -> Finding:
    """Since tracing is on: the controller's deployment with the flag, the application's with their daemons."""
    controller = ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM)
    missing = [] if f"{FLAG}=true" in flags(controller) else [f"{CONTROLLER} has no flag {FLAG}=true"]
    if text := pods.trouble(controller):
        missing.append(f"{CONTROLLER}: {text}")
    missing += pods.unsettled_with(DAEMON, ports.kubernetes, request.names.namespace, SERVICES)
    if missing:
        return failed("; ".join(missing), unsettled=missing)
    found = [CONTROLLER, *(deployment(service) for service in SERVICES)]
    return passed("every deployment is rolled out with tracing", deployments=found)


def daemons(request: Request, ports: Ports) -> Finding:
    found = pods.pods(ports.kubernetes, request.names.namespace, SERVICES)
    if not found:
        return inconclusive("there are no pods")
    state = {str(pod["metadata"]["name"]): _daemon(pod) for pod in found}
    wrong = [f"{pod}: {text}" for pod, text in sorted(state.items()) if text != "running"]
    if wrong:
        return failed(f"no {DAEMON} container runs in {'; '.join(wrong)}", pods=state)
    return passed(f"all {len(found)} pods have a running {DAEMON} container", pods=state)


def edges(request: Request, ports: Ports) -> Finding:
    """Whether X-Ray has seen the frontend ask both its upstreams since the stage began."""
    found = ports.traces.graph(*_span(request, ports, LONGEST_LOOK)).edges
    wanted = [(_name(request, CALLER), _name(request, upstream)) for upstream in UPSTREAMS]
    counts = {" → ".join(edge): found[edge].requests for edge in wanted if edge in found}
    missing = [" → ".join(edge) for edge in wanted if edge not in found]
    if missing:
        said = _ask(request, ports)
        return failed(f"X-Ray does not know the edges {', '.join(missing)} yet; {said}", edges=counts)
    return passed(f"X-Ray knows the edges {', '.join(counts)}", edges=counts)


def trace(request: Request, ports: Ports) -> Finding:
    """Whether one request can be followed from the frontend into both upstreams."""
    caller, callees = _name(request, CALLER), tuple(_name(request, upstream) for upstream in UPSTREAMS)
    found = ports.traces.find((caller, *callees), *_span(request, ports, TRACE_LOOK), TRACES)
    whole = [each for each in found if is_whole(each, caller, callees)]
    if not whole:
        said = _ask(request, ports)
        return failed(f"none of {len(found)} traces is whole from {CALLER} into {', '.join(UPSTREAMS)} yet; {said}")
    segments = [segment.service for segment in whole[0].segments]
    return passed(f"trace {whole[0].id} is whole: {len(segments)} segments", trace=whole[0].id, segments=segments)


def _tell_controller(ports: Ports, wanted: list[str]) -> None:
    """Give the controller these flags of tracing, beside its others. Raises NotReady until it runs with them."""
    manifest = ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM)
    before = flags(manifest)
    arguments = [each for each in before if each.partition("=")[0] != FLAG] + wanted
    if manifest and arguments != before:
        containers = manifest["spec"]["template"]["spec"]["containers"]
        changed = [{**containers[0], "args": arguments}, *containers[1:]]
        patch = {"spec": {"template": {"spec": {"containers": changed}}}}
        manifest = ports.kubernetes.patch(DEPLOYMENT, CONTROLLER, SYSTEM, patch)
    if not pods.available(manifest):
        raise NotReady(f"stage tracing: {SYSTEM}/{CONTROLLER} has not started again as it was told yet")


def _annotate(request: Request, ports: Ports, value: str | None) -> None:
    restart = {"spec": {"template": {"metadata": {"annotations": {TRACED: value}}}}}
    for service in SERVICES:
        if ports.kubernetes.get(DEPLOYMENT, deployment(service), request.names.namespace):
            ports.kubernetes.patch(DEPLOYMENT, deployment(service), request.names.namespace, restart)


def _daemon(pod: Manifest) -> str:
    """`running`, or why the pod's daemon does not run."""
    if DAEMON not in pods.containers(pod):
        return "has none"
    for status in pod.get("status", {}).get("containerStatuses", []):
        if status["name"] == DAEMON:
            return str(next(iter(status.get("state") or {"unknown": {}})))
    return "not started"


def _name(request: Request, service: str) -> str:
    return dialect_of(request).segment(request.names, service)


def _span(request: Request, ports: Ports, longest: timedelta) -> tuple[datetime, datetime]:
    """From the stage's beginning, as it is recorded, to now; at most so long."""
    began = ports.records.stages(request.workshop).get("tracing", {}).get("started")
    oldest = ports.now - longest
    start = max(oldest, datetime.fromisoformat(str(began))) if began else oldest
    # X-Ray refuses a span that is empty.
    return start, max(ports.now, start + timedelta(seconds=1))


def _ask(request: Request, ports: Ports) -> str:
    """Where nobody sends load there is nothing to trace: ask the frontend, so that the next look sees something."""
    try:
        status = ports.http.get(url(request.names, CALLER)).status
    except RemoteError as error:
        return f"{CALLER} did not answer: {error}"
    return f"{CALLER} was asked once and answered {status}"


STAGE = Stage(
    id="tracing",
    section="Observabilidade",
    deadline_seconds=300,
    checks=(
        Check("rolled out", rolled_out, only=APP_MESH.id),
        Check("xray-daemon in every pod", daemons, only=APP_MESH.id),
        Check("every proxy traces", istio_tracing.every_proxy_traces, only=GATEWAY_API.id),
        Check("edges", edges),
        Check("whole trace", trace),
    ),
    solve=solve,
    clean=clean,
)
