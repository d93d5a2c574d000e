"""`gateway` — the document's "Virtual Gateway": clients outside the mesh come in at `/eks/`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from canario.errors import NotReady
from canario.workshop import pods
from canario.workshop.application import hostname
from canario.workshop.dialects import dialect_of
from canario.workshop.gateway import (
    LABEL,
    PREFIX,
    REPLICAS,
    ROUTE,
    balancer_manifest,
    deployment_manifest,
    way_in,
)
from canario.workshop.kinds import DEPLOYMENT, NAMESPACE, POD, SERVICE
from canario.workshop.mesh import BASELINE, CANARY, mesh
from canario.workshop.names import GATEWAY, SERVICES, deployment
from canario.workshop.ports import Answer, Manifest, Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, inconclusive, passed

ELSEWHERE = ("/", "/elsewhere")  # what the gateway has no route for


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Label, gateway and route; once the controller has accepted them, the Envoys and their load balancer.

    In this order, because the controller lets no pod of a gateway in that it does not know.
    """
    names = request.names
    ports.kubernetes.patch(NAMESPACE, names.namespace, None, {"metadata": {"labels": dict([LABEL])}})
    dialect = dialect_of(request)
    waiting = [text for each in _manifests(request, ports) if (text := dialect.inactive(ports.kubernetes.apply(each)))]
    if waiting:
        raise NotReady(f"stage gateway: the controller has not accepted {', '.join(waiting)}")
    ports.kubernetes.apply(balancer_manifest(names, request.mesh))
    ports.kubernetes.apply(deployment_manifest(names, request.mesh))
    return {}


def clean(request: Request, ports: Ports) -> None:
    names = request.names
    for kind, name in (
        (SERVICE, GATEWAY),
        (DEPLOYMENT, GATEWAY),
        (dialect_of(request).way_in[1], ROUTE),
        (dialect_of(request).way_in[0], GATEWAY),
    ):
        ports.kubernetes.delete(kind, name, names.namespace)
    namespace = ports.kubernetes.get(NAMESPACE, names.namespace)
    if LABEL[0] in (namespace or {}).get("metadata", {}).get("labels", {}):
        ports.kubernetes.patch(NAMESPACE, names.namespace, None, {"metadata": {"labels": {LABEL[0]: None}}})


def accepted(request: Request, ports: Ports) -> Finding:
    """The gateway and its route are in force."""
    names = request.names
    dialect = dialect_of(request)
    wanted = zip(dialect.way_in, (GATEWAY, ROUTE), strict=True)
    found = {kind.name: ports.kubernetes.get(kind, name, names.namespace) for kind, name in wanted}
    trouble = [f"{kind} is not there" for kind, each in found.items() if each is None]
    trouble += [text for each in found.values() if each and (text := dialect.inactive(each))]
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
    proxy = dialect_of(request).proxy.container
    bare = sorted(pod for pod, containers in seen.items() if proxy not in containers)
    if bare:
        return failed(f"pods of the gateway without a container {proxy}: {', '.join(bare)}", pods=seen)
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
    if service != BASELINE or server not in dialect_of(request).servers:
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
    servers = dialect_of(request).servers
    wrong = [path for path, (status, server) in seen.items() if status != 404 or server not in servers]
    if wrong:
        return failed(f"the gateway did not answer 404 to {', '.join(wrong)}: {seen}", answers=seen)
    return passed(f"the gateway answered 404 to {', '.join(seen)}", answers=seen)


def _manifests(request: Request, ports: Ports) -> list[Manifest]:
    """The gateway and its route; everything else in the mesh is other stages'.

    A route that a rollout has been at is left as it is.
    """
    names, dialect = request.names, dialect_of(request)
    inside, outside = mesh(names, dict.fromkeys(SERVICES, "unused")), way_in(names)
    whole = replace(inside, gateways=outside.gateways, gateway_routes=outside.gateway_routes)
    gateway, route = zip(dialect.way_in, (GATEWAY, ROUTE), strict=True)
    live = ports.kubernetes.get(*route, names.namespace)
    wanted = [gateway] if live and deployment(CANARY) in str(live["spec"]) else [gateway, route]
    rendered = {_what(each): each for each in dialect.render(whole, names)}
    return [rendered[kind.name, name] for kind, name in wanted]


def _what(manifest: Manifest) -> tuple[str, str]:
    return str(manifest["kind"]), str(manifest["metadata"]["name"])


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
