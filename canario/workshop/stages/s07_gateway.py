"""`gateway` — the document's "Virtual Gateway": clients outside the mesh come in at `/eks/`."""

import json
from collections.abc import Mapping
from typing import Any

from canario.errors import NotReady
from canario.mesh import appmesh
from canario.workshop import pods
from canario.workshop.application import hostname
from canario.workshop.gateway import (
    LABEL,
    PREFIX,
    REPLICAS,
    ROUTE,
    balancer_manifest,
    deployment_manifest,
    way_in,
)
from canario.workshop.kinds import DEPLOYMENT, GATEWAY_ROUTE, NAMESPACE, POD, SERVICE, VIRTUAL_GATEWAY
from canario.workshop.mesh import BASELINE
from canario.workshop.names import GATEWAY, Names
from canario.workshop.ports import Answer, Manifest, Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, inconclusive, passed
from canario.workshop.stages.s04_mesh import inactive, labelled

ELSEWHERE = ("/", "/elsewhere")  # what the gateway has no route for


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Label, gateway and route; once the controller has accepted them, the Envoys and their load balancer.

    In this order, because the controller lets no pod of a gateway in that it does not know.
    """
    names = request.names
    ports.kubernetes.patch(NAMESPACE, names.namespace, None, {"metadata": {"labels": dict([LABEL])}})
    waiting = [text for each in _manifests(names) if (text := inactive(ports.kubernetes.apply(each)))]
    if waiting:
        raise NotReady(f"stage gateway: the controller has not accepted {', '.join(waiting)}")
    ports.kubernetes.apply(balancer_manifest(names))
    ports.kubernetes.apply(deployment_manifest(names))
    return {}


def clean(request: Request, ports: Ports) -> None:
    names = request.names
    for kind, name in (
        (SERVICE, GATEWAY),
        (DEPLOYMENT, GATEWAY),
        (GATEWAY_ROUTE, ROUTE),
        (VIRTUAL_GATEWAY, GATEWAY),
    ):
        ports.kubernetes.delete(kind, name, names.namespace)
    namespace = ports.kubernetes.get(NAMESPACE, names.namespace)
    if LABEL[0] in (namespace or {}).get("metadata", {}).get("labels", {}):
        ports.kubernetes.patch(NAMESPACE, names.namespace, None, {"metadata": {"labels": {LABEL[0]: None}}})


def accepted(request: Request, ports: Ports) -> Finding:
    """The gateway and its route are in force."""
    names = request.names
    found = {"VirtualGateway": ports.kubernetes.get(VIRTUAL_GATEWAY, GATEWAY, names.namespace)}
    found["GatewayRoute"] = ports.kubernetes.get(GATEWAY_ROUTE, ROUTE, names.namespace)
    trouble = [f"{kind} is not there" for kind, each in found.items() if each is None]
    trouble += [text for each in found.values() if each and (text := inactive(each))]
    if trouble:
        return failed("; ".join(trouble), inactive=trouble)
    return passed(f"gateway {GATEWAY} and its route {ROUTE} are active", objects=len(found))


def rolled_out(request: Request, ports: Ports) -> Finding:
    if not pods.available(ports.kubernetes.get(DEPLOYMENT, GATEWAY, request.names.namespace)):
        return failed(f"deployment {GATEWAY} is not rolled out")
    return passed(f"{GATEWAY} is rolled out", deployment=GATEWAY, replicas=REPLICAS)


def envoys(request: Request, ports: Ports) -> Finding:
    """Every pod of the gateway is an Envoy."""
    found = ports.kubernetes.list(POD, request.names.namespace, {"app": GATEWAY})
    seen = pods.by_container([pod for pod in found if "deletionTimestamp" not in pod["metadata"]])
    bare = sorted(pod for pod, containers in seen.items() if "envoy" not in containers)
    if bare:
        return failed(f"pods of the gateway without an envoy container: {', '.join(bare)}", pods=seen)
    if len(seen) < REPLICAS:
        return failed(f"the gateway has {len(seen)} of {REPLICAS} pods", pods=seen)
    return passed(f"the gateway's {len(seen)} pods are Envoys", pods=seen)


def let_in(request: Request, ports: Ports) -> Finding:
    """A client outside the mesh, by the load balancer's name, is answered by nodejs through the gateway."""
    balancer = _balancer(request, ports)
    if balancer is None:
        return inconclusive(f"load balancer {GATEWAY} has no name yet")
    url = f"http://{balancer}{PREFIX}"
    answer = ports.http.get(url)
    service, server = _body(answer).get("service"), answer.headers.get("server", "")
    measured = {"url": url, "status": answer.status, "service": service, "server": server}
    if answer.status != 200:
        return failed(f"{url} answered {answer.status}: {answer.body[:120]}", **measured)
    if service != BASELINE or server != "envoy":
        return failed(f"{url} was answered by {service!r} as {server!r}, not by {BASELINE} through Envoy", **measured)
    return passed(f"{url} was answered by {service} through Envoy", **measured)


def rewritten(request: Request, ports: Ports) -> Finding:
    """Behind the gateway nobody sees the prefix: `/eks/health` is nodejs's own `/health`."""
    balancer = _balancer(request, ports)
    if balancer is None:
        return inconclusive(f"load balancer {GATEWAY} has no name yet")
    url = f"http://{balancer}{PREFIX}health"
    answer = ports.http.get(url)
    measured = {"url": url, "status": answer.status, "body": answer.body[:120]}
    if answer.status != 200 or "service" in _body(answer) or _body(answer).get("status") != "ok":
        return failed(f"{url} is not {BASELINE}'s /health: {answer.status} {answer.body[:120]}", **measured)
    return passed(f"{url} is {BASELINE}'s /health", **measured)


def kept_out(request: Request, ports: Ports) -> Finding:
    """What no route takes ends at the gateway's Envoy."""
    balancer = _balancer(request, ports)
    if balancer is None:
        return inconclusive(f"load balancer {GATEWAY} has no name yet")
    answers = {path: ports.http.get(f"http://{balancer}{path}") for path in ELSEWHERE}
    seen = {path: [answer.status, answer.headers.get("server", "")] for path, answer in answers.items()}
    wrong = [path for path, said in seen.items() if said != [404, "envoy"]]
    if wrong:
        return failed(f"the gateway did not answer 404 to {', '.join(wrong)}: {seen}", answers=seen)
    return passed(f"the gateway answered 404 to {', '.join(seen)}", answers=seen)


def _manifests(names: Names) -> list[Manifest]:
    """Without the Mesh itself, which is the stage `mesh`'s."""
    return [each for each in labelled(appmesh.render(way_in(names)), names) if each["kind"] != "Mesh"]


def _balancer(request: Request, ports: Ports) -> str | None:
    return hostname(ports.kubernetes.get(SERVICE, GATEWAY, request.names.namespace))


def _body(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


STAGE = Stage(
    id="gateway",
    section="AWS App Mesh - Virtual Gateway",
    deadline_seconds=300,
    checks=(
        Check("gateway accepted", accepted),
        Check("gateway rolled out", rolled_out),
        Check("gateway is Envoy", envoys),
        Check("let in", let_in),
        Check("prefix rewritten", rewritten),
        Check("kept out", kept_out),
    ),
    solve=solve,
    clean=clean,
)
