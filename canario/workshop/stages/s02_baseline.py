"""`baseline` — the document's "Cenário atual EKS": the application behind load balancers, without a mesh."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from canario.errors import NotReady
from canario.workshop import pods
from canario.workshop.application import (
    UPSTREAMS,
    deployment_manifest,
    hostname,
    load_balancer_manifest,
    namespace_manifest,
    url,
)
from canario.workshop.dialects import PROXIES
from canario.workshop.kinds import DEPLOYMENT, NAMESPACE, SERVICE
from canario.workshop.names import SERVICES, deployment, load_balancer
from canario.workshop.ports import Answer, Ports
from canario.workshop.request import Request
from canario.workshop.stage import ByHand, Check, Finding, Stage, failed, inconclusive, passed


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Namespace, deployments, load balancers; then their names in Route 53."""
    names = request.names
    ports.kubernetes.apply(namespace_manifest(names))
    for service in SERVICES:
        ports.kubernetes.apply(deployment_manifest(names, service, ports.images))
        ports.kubernetes.apply(load_balancer_manifest(names, service))
    for service, target in _hostnames(request, ports).items():
        ports.zone.upsert(names.host(service), target)
    return {}


def adopt(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Label the attendee's namespace as the workshop's: that is how it is found, and told from others'."""
    ports.kubernetes.patch(NAMESPACE, request.names.namespace, None, {"metadata": {"labels": request.names.labels}})
    return {}


def clean(request: Request, ports: Ports) -> None:
    names = request.names
    for service in SERVICES:
        ports.zone.delete(names.host(service))
        ports.kubernetes.delete(SERVICE, load_balancer(service), names.namespace)
        ports.kubernetes.delete(DEPLOYMENT, deployment(service), names.namespace)
    ports.kubernetes.delete(NAMESPACE, names.namespace)


def rolled_out(request: Request, ports: Ports) -> Finding:
    missing = pods.unsettled(ports.kubernetes, request.names.namespace, SERVICES)
    if missing:
        return failed("; ".join(missing), unsettled=missing)
    found = pods.pods(ports.kubernetes, request.names.namespace, SERVICES)
    return passed(f"{len(found)} pods are available", pods=[pod["metadata"]["name"] for pod in found])


def answers(service: str, request: Request, ports: Ports) -> Finding:
    """The service answers by its Route 53 name, which is its load balancer's, and no Envoy is in between."""
    names = request.names
    balancer = hostname(ports.kubernetes.get(SERVICE, load_balancer(service), names.namespace))
    target = ports.zone.records().get(names.host(service))
    if balancer is None or target != balancer:
        return failed(f"{names.host(service)} points to {target}, the load balancer is {balancer}")
    answer = ports.http.get(url(names, service))
    measured = {"status": answer.status, "name": names.host(service), "load_balancer": balancer}
    trouble = _trouble(service, answer)
    if trouble:
        return failed(f"{url(names, service)} {trouble}", **measured)
    return passed(f"{url(names, service)} answered 200 through {balancer}", **measured)


def no_proxy(request: Request, ports: Ports) -> Finding:
    found = pods.by_container(pods.pods(ports.kubernetes, request.names.namespace, SERVICES))
    if not found:
        return inconclusive("there are no pods")
    proxied = sorted(pod for pod, containers in found.items() if set(containers) & set(PROXIES))
    if proxied:
        return failed(f"these pods have a proxy's container already: {', '.join(proxied)}", pods=found)
    return passed(f"none of {len(found)} pods has a proxy's container", pods=found)


def _hostnames(request: Request, ports: Ports) -> dict[str, str]:
    found, missing = {}, []
    for service in SERVICES:
        name = hostname(ports.kubernetes.get(SERVICE, load_balancer(service), request.names.namespace))
        if name is None:
            missing.append(load_balancer(service))
        else:
            found[service] = name
    if missing:
        raise NotReady(f"stage baseline: load balancers without an address yet: {', '.join(missing)}")
    return found


def _trouble(service: str, answer: Answer) -> str | None:
    if answer.status != 200:
        return f"answered {answer.status}: {answer.body[:120]}"
    if "envoy" in answer.headers.get("server", ""):
        return "answered through Envoy, though the application has no proxy yet"
    body = _json(answer)
    if body.get("service") != service:
        return f"was answered by {body.get('service')!r}"
    if service == "frontend":
        bad = [name for name in UPSTREAMS if body.get("upstreams", {}).get(name, {}).get("status") != 200]
        if bad:
            return f"got no answer from {', '.join(bad)}"
    return None


def _json(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


CHECKS = (
    Check("rolled out", rolled_out),
    Check("no proxy", no_proxy),
    *(Check(f"{service} answers", partial(answers, service)) for service in SERVICES),
)

STAGE = Stage(
    id="baseline",
    section="Cenário atual EKS",
    deadline_seconds=300,
    checks=CHECKS,
    solve=solve,
    clean=clean,
    by_hand=ByHand(checks=CHECKS, take_over=adopt),
)
