"""`discovery` — the document's "Cloud Map": pods are found by Cloud Map, and the internal load balancers go.

`solve` goes step by step and measures on its way: the nodes are found by Cloud Map; the pods are those in Cloud Map;
the names lead there; nodejs has one replica more; the pods are those in Cloud Map again; the load balancers are gone.
A step that has to wait raises NotReady with what was measured so far; the stage's record keeps it.
The frontend stays as it is: browsers find it by its public load balancer, and no node calls it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from canario.errors import NotReady, RemoteError
from canario.mesh.model import Discovery
from canario.workshop import pods
from canario.workshop.application import REPLICAS, SCALED, load_balancer_manifest, url
from canario.workshop.cloud_map import ServiceName
from canario.workshop.connections import sent_to
from canario.workshop.dialects import dialect_of
from canario.workshop.discovery import BALANCED, REGISTRATION, discoveries, in_cloud_map
from canario.workshop.kinds import DEPLOYMENT, SERVICE
from canario.workshop.mesh import BASELINE, CANARY, mesh
from canario.workshop.names import SERVICES, deployment, load_balancer
from canario.workshop.ports import Ports
from canario.workshop.registrar import is_ready
from canario.workshop.request import Request
from canario.workshop.stage import ByHand, Check, Finding, Stage, failed, inconclusive, passed
from canario.workshop.stages.s04_mesh import hostnames
from canario.workshop.traffic import Asked, ask, counted

# A client of the VPC may use an old answer for as long as it lives (5 s), and Route 53 needs a moment to spread it.
NAME_LIVES = timedelta(seconds=7)

Progress = dict[str, Any]
Addresses = dict[str, dict[str, list[str]]]  # service → {"pods": […], "cloud_map": […]}
Step = Callable[[Request, Ports, Progress], None]


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """From load balancers to Cloud Map, measured before and after scaling; the measurements are the outputs."""
    progress = _progress(request, ports)
    progress.setdefault("since", ports.now.isoformat())
    progress["asked"] = asdict(Asked(**progress.get("asked", {})) + ask(request, ports))
    try:
        for step in STEPS:
            step(request, ports, progress)
    except NotReady as waiting:
        raise NotReady(f"stage discovery: {waiting}", progress) from waiting
    return progress


def _switch(request: Request, ports: Ports, progress: Progress) -> None:
    """The nodes are found by Cloud Map."""
    found_by = {service: in_cloud_map(request.names, service) for service in BALANCED}
    _apply_nodes(request, ports, {**discoveries(request, ports, ("frontend",)), **found_by})


def _measure_before(request: Request, ports: Ports, progress: Progress) -> None:
    """The pods are those in Cloud Map, with the replicas that the workshop began with."""
    if "before" not in progress:
        _scale(request, ports, REPLICAS[BASELINE])
        progress["before"] = _agreed(request, ports, REPLICAS[BASELINE])


def _name(request: Request, ports: Ports, progress: Progress) -> None:
    """The Route 53 names lead to Cloud Map's."""
    records = ports.zone.records()
    for service in BALANCED:
        host, target = request.names.host(service), request.names.cloud_map(service).host
        if records.get(host) != target:
            ports.zone.upsert(host, target)
            progress["named"] = ports.now.isoformat()
    progress.setdefault("named", ports.now.isoformat())


def _measure_after(request: Request, ports: Ports, progress: Progress) -> None:
    """One replica more, and the pods are those in Cloud Map again."""
    _scale(request, ports, SCALED[BASELINE])
    if "after" not in progress:
        progress["after"] = _agreed(request, ports, SCALED[BASELINE])


def _drop_load_balancers(request: Request, ports: Ports, progress: Progress) -> None:
    """The load balancers go, once nobody can have an answer any more that leads to them."""
    unused = datetime.fromisoformat(progress["named"]) + NAME_LIVES
    if ports.now < unused:
        raise NotReady(f"the load balancers may be in use until {unused:%H:%M:%S}, when the old names' answers end")
    elsewhere = _asked_elsewhere(request, ports)
    if elsewhere and "finished" not in progress:
        raise NotReady(f"the load balancers are in use: {'; '.join(elsewhere)}")
    for service in BALANCED:
        ports.kubernetes.delete(SERVICE, load_balancer(service), request.names.namespace)
    progress.setdefault("finished", ports.now.isoformat())


STEPS: tuple[Step, ...] = (_switch, _measure_before, _name, _measure_after, _drop_load_balancers)


def clean(request: Request, ports: Ports) -> None:
    """Back to load balancers, and nothing of the workshop in Cloud Map. Raises NotReady while one has no name."""
    names = request.names
    for service in BALANCED:
        ports.kubernetes.apply(load_balancer_manifest(names, service))
    found = hostnames(names, ports, SERVICES)
    dialect = dialect_of(request)
    _apply_nodes(request, ports, {service: dialect.discovery(names, ports, service) for service in SERVICES})
    for service in BALANCED:
        ports.zone.upsert(names.host(service), found[service])
    _replicas(request, ports, REPLICAS[BASELINE])
    forget(request, ports)


def forget(request: Request, ports: Ports) -> None:
    """Take the workshop's services out of Cloud Map. Raises NotReady while one of them still has instances.

    Only for when no node names them any more: the registrar would put its pods back.
    """
    for service in left_overs(request, ports):
        for instance_id in ports.cloud_map.instances(service):
            ports.cloud_map.deregister(service, instance_id)
        if ports.cloud_map.instances(service):
            raise NotReady(f"the Cloud Map service {service} still has instances")
        ports.cloud_map.delete(service)


def left_overs(request: Request, ports: Ports) -> list[ServiceName]:
    """What Cloud Map has of the workshop: the services of its names, and those made for it."""
    ours = {request.names.cloud_map(service) for service in (*BALANCED, CANARY)}
    there = {service: made for each in ports.cloud_map.namespaces() for service, made in _made(each, ports)}
    return sorted(service for service, workshop in there.items() if service in ours or workshop == request.workshop)


def _made(namespace: str, ports: Ports) -> Iterable[tuple[ServiceName, str | None]]:
    return ports.cloud_map.services(namespace).items()


def same_addresses(request: Request, ports: Ports) -> Finding:
    """Right now, the ready pods are exactly the healthy instances."""
    now = _addresses(request, ports)
    return _compared("now", now) if any(each["pods"] for each in now.values()) else inconclusive("there are no pods")


def before_and_after(request: Request, ports: Ports) -> Finding:
    """Both times: as measured by `solve`, with both numbers of replicas."""
    progress = _progress(request, ports)
    wanted = {"before": REPLICAS[BASELINE], "after": SCALED[BASELINE]}
    missing = [when for when in wanted if when not in progress]
    if missing:
        return inconclusive(f"nothing was measured {' and '.join(missing)} scaling yet")
    for when, count in wanted.items():
        seen = len(progress[when][BASELINE]["cloud_map"])
        if seen != count:
            return failed(f"{when} scaling, Cloud Map had {seen} pods of {BASELINE}, not {count}", **progress[when])
    counts = " and ".join(str(count) for count in wanted.values())
    return passed(f"with {counts} pods of {BASELINE}, pods and Cloud Map agreed", **{k: progress[k] for k in wanted})


def names_lead(request: Request, ports: Ports) -> Finding:
    """The Route 53 names are Cloud Map's, and who answers by them is one of the pods."""
    records, measured = ports.zone.records(), {}
    for service in BALANCED:
        host, target = request.names.host(service), request.names.cloud_map(service).host
        if records.get(host) != target:
            return failed(
                f"{host} points to {records.get(host)}, not to {target}", name=host, points_to=records.get(host)
            )
        answer = ports.http.get(url(request.names, service))
        node = _node(answer.body)
        if answer.status != 200 or node not in _pod_names(request, ports, service):
            return failed(f"{host} answered {answer.status}: {answer.body[:120]}", status=answer.status, node=node)
        measured[host] = {"target": target, "answered_by": node}
    return passed(f"{', '.join(measured)} lead to Cloud Map's names, and pods answer", **measured)


def load_balancers_gone(request: Request, ports: Ports) -> Finding:
    there = {
        load_balancer(service): bool(ports.kubernetes.get(SERVICE, load_balancer(service), request.names.namespace))
        for service in SERVICES
    }
    left = [load_balancer(service) for service in BALANCED if there[load_balancer(service)]]
    if left:
        return failed(f"still there: {', '.join(left)}", services=there)
    if not there[load_balancer("frontend")]:
        return inconclusive("the frontend's load balancer is not there either: there is no application")
    return passed("the internal load balancers are gone, the frontend's is there", services=there)


def traffic_went_on(request: Request, ports: Ports) -> Finding:
    """No request failed since `solve` began: neither its own, nor any that the callers' proxies counted."""
    progress = _progress(request, ports)
    if "finished" not in progress:
        return inconclusive("the stage's work has not finished")
    own = Asked(**progress["asked"]) + ask(request, ports)
    windows = counted(request, ports, BALANCED, datetime.fromisoformat(progress["since"]))
    counts = {
        service: {"requests": sum(each.requests for each in found), "errors": sum(each.errors for each in found)}
        for service, found in windows.items()
    }
    measured = {"own": asdict(own), "proxies": counts}
    if own.failed or any(each["errors"] for each in counts.values()):
        return failed(_trouble(own, counts), **measured)
    finished = datetime.fromisoformat(progress["finished"])
    open_ended = [service for service, found in windows.items() if not any(each.start >= finished for each in found)]
    if open_ended:
        return inconclusive(f"no whole window since the end has been counted yet: {', '.join(open_ended)}", **measured)
    total = sum(each["requests"] for each in counts.values())
    return passed(f"none of {own.asked} own requests failed, nor of {total} that the proxies counted", **measured)


def _apply_nodes(request: Request, ports: Ports, found_by: Mapping[str, str | Discovery]) -> None:
    """Write the nodes behind load balancers as found in that way; wait until the controller has accepted them."""
    dialect = dialect_of(request)
    manifests = dialect.render(mesh(request.names, found_by), request.names)
    wanted = [deployment(service) for service in BALANCED]
    nodes = [each for each in manifests if each["kind"] == dialect.node.name and each["metadata"]["name"] in wanted]
    for node in nodes:
        dialect.prepare(node, ports)
    waiting = [text for node in nodes if (text := dialect.inactive(ports.kubernetes.apply(node)))]
    if waiting:
        raise NotReady(f"the controller has not accepted {', '.join(waiting)}")


def _asked_elsewhere(request: Request, ports: Ports) -> list[str]:
    """Which callers' proxies still send to what is no instance: what Cloud Map knows, they know a little later.

    Of App Mesh alone: its proxies' clusters have the addresses in them.
    """
    if request.mesh != "appmesh":
        return []
    found = []
    for service in BALANCED:
        instances = ports.cloud_map.instances(request.names.cloud_map(service)).values()
        known = {each.address for each in instances}
        try:
            sent = sent_to(request.names, ports, service)
        except RemoteError as error:
            return [str(error)]
        for pod, addresses in sent.items():
            if stray := sorted(addresses - known):
                found.append(f"{pod} sends {service}'s requests to {', '.join(stray)}")
    return found


def _scale(request: Request, ports: Ports, replicas: int) -> None:
    """So many replicas of nodejs, rolled out."""
    _replicas(request, ports, replicas)
    unsettled = pods.unsettled(ports.kubernetes, request.names.namespace, SERVICES)
    if unsettled:
        raise NotReady("; ".join(unsettled))


def _replicas(request: Request, ports: Ports, replicas: int) -> None:
    found = ports.kubernetes.get(DEPLOYMENT, deployment(BASELINE), request.names.namespace)
    if found is None or found["spec"].get("replicas") != replicas:
        patch = {"spec": {"replicas": replicas}}
        ports.kubernetes.patch(DEPLOYMENT, deployment(BASELINE), request.names.namespace, patch)


def _agreed(request: Request, ports: Ports, count: int) -> Addresses:
    """The addresses, when so many pods and Cloud Map agree; otherwise wake the registrar and wait."""
    found = _addresses(request, ports)
    finding = _compared("now", found)
    if len(found[BASELINE]["pods"]) != count:  # a pod may end, or not be ready, between two looks
        raise NotReady(f"{deployment(BASELINE)} has {len(found[BASELINE]['pods'])} ready pods, not {count}")
    if not finding.measured["agree"]:
        ports.events.put(REGISTRATION, {"workshop": request.workshop, "stage": "discovery"})
        raise NotReady(finding.message)
    return found


def _addresses(request: Request, ports: Ports) -> Addresses:
    """Of each service: its ready pods' addresses, and the healthy instances' in Cloud Map."""
    found = {}
    for service in BALANCED:
        theirs = pods.pods(ports.kubernetes, request.names.namespace, (service,))
        registered = ports.cloud_map.discover(request.names.cloud_map(service)).values()
        found[service] = {
            "pods": sorted(str(pod["status"]["podIP"]) for pod in theirs if is_ready(pod)),
            "cloud_map": sorted(str(each.address) for each in registered if each.healthy),
        }
    return found


def _compared(when: str, found: Addresses) -> Finding:
    different = [service for service, each in found.items() if each["pods"] != each["cloud_map"]]
    if different:
        said = "; ".join(
            f"{service}: pods {found[service]['pods']}, Cloud Map {found[service]['cloud_map']}"
            for service in different
        )
        return failed(f"{when} pods and Cloud Map differ: {said}", agree=False, **found)
    counts = ", ".join(f"{len(each['pods'])} of {service}" for service, each in found.items())
    return passed(f"{when} the pods' addresses are exactly those in Cloud Map: {counts}", agree=True, **found)


def _pod_names(request: Request, ports: Ports, service: str) -> list[str]:
    return [str(pod["metadata"]["name"]) for pod in pods.pods(ports.kubernetes, request.names.namespace, (service,))]


def _node(body: str) -> str | None:
    """Which pod answered, by the demo service's own word."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return str(said.get("node")) if isinstance(said, dict) else None


def _trouble(own: Asked, counts: Mapping[str, Mapping[str, int]]) -> str:
    errors = ", ".join(f"{each['errors']} errors of {service}" for service, each in counts.items() if each["errors"])
    mine = f"{own.failed} of {own.asked} own requests failed (the last: {own.said})" if own.failed else ""
    return "; ".join(filter(None, (mine, errors)))


def _progress(request: Request, ports: Ports) -> Progress:
    """What `solve` has found out in its earlier attempts."""
    return dict(ports.records.stages(request.workshop).get("discovery", {}).get("outputs", {}))


# What an attendee can show; the rest is measured while the machine scales.
SHOWN = (
    Check("pods are in Cloud Map", same_addresses),
    Check("names lead to Cloud Map", names_lead),
    Check("load balancers gone", load_balancers_gone),
)

STAGE = Stage(
    id="discovery",
    section="AWS Cloud Map",
    deadline_seconds=300,
    checks=(
        *SHOWN,
        Check("before and after scaling", before_and_after),
        Check("traffic went on", traffic_went_on),
    ),
    solve=solve,
    clean=clean,
    by_hand=ByHand(checks=SHOWN, take_over=solve),
)
