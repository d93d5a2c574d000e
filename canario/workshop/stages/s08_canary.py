"""`canary` — the document's "Canary Deploy": the second nodejs takes traffic, as far as the evidence allows.

`solve` puts the canary beside the baseline with share 0 and names the target; the canary state machine does the
rollout, recorded under the execution's own name; the checks hold its outcome against the router and every proxy.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from canario.canary.ports import Target
from canario.errors import NotReady
from canario.mesh.weights import share_of
from canario.workshop import pods
from canario.workshop.application import REPLICAS, deployment_manifest, load_balancer_manifest
from canario.workshop.dialects import dialect_of
from canario.workshop.discovery import REGISTRATION, by_cloud_map, discoveries, in_cloud_map
from canario.workshop.frozen import is_frozen
from canario.workshop.kinds import DEPLOYMENT, NAMESPACE, SERVICE
from canario.workshop.mesh import BASELINE, CANARY, mesh, router_name
from canario.workshop.names import SERVICES, deployment, load_balancer
from canario.workshop.ports import Manifest, Ports
from canario.workshop.request import Request
from canario.workshop.stage import ByHand, Check, Finding, Stage, failed, inconclusive, passed

ENDS = {"promoted": 1.0, "rolled_back": 0.0, "held": 0.0}  # outcome → the canary's share afterwards


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """The canary's deployment and node, and its place in the router with weight 0.

    The canary is found as the baseline is: by Cloud Map, or by a load balancer of its own.
    """
    names = request.names
    ports.kubernetes.apply(deployment_manifest(names, CANARY, ports.images))
    found_by = discoveries(request, ports, SERVICES)
    if by_cloud_map(request, ports, BASELINE):
        found_by[CANARY] = in_cloud_map(names, CANARY)
    else:
        if dialect_of(request).balanced:
            ports.kubernetes.apply(load_balancer_manifest(names, CANARY))
        found_by |= discoveries(request, ports, (CANARY,))
    its_mesh = mesh(names, found_by, canary_weights=(dialect_of(request).largest, 0))
    _add_to_router(dialect_of(request).render(its_mesh, names), request, ports)
    unsettled = pods.unsettled(ports.kubernetes, names.namespace, (CANARY,))
    if unsettled:
        raise NotReady(f"stage canary: {'; '.join(unsettled)}")
    _registered(request, ports)
    return rollout(request, ports)


def rollout(request: Request, ports: Ports) -> Mapping[str, Any]:
    """What the rollout needs."""
    plan = {**request.canary.to_dict(), "smallest_share": share_of((dialect_of(request).largest, 1))}
    return {"target": asdict(target(request)), "plan": plan}


def _registered(request: Request, ports: Ports) -> None:
    """Wait until Cloud Map has the canary's pods, where it is found by Cloud Map: no share for a node without pods."""
    service = by_cloud_map(request, ports, CANARY)
    if service is None:
        return
    found = sum(each.healthy for each in ports.cloud_map.discover(service).values())
    if found < REPLICAS[CANARY]:
        ports.events.put(REGISTRATION, {"workshop": request.workshop, "stage": "canary"})
        raise NotReady(f"stage canary: Cloud Map has {found} of {REPLICAS[CANARY]} pods of {deployment(CANARY)}")


def clean(request: Request, ports: Ports) -> None:
    """Give all traffic to the baseline, unless the whole workshop is going; then take the canary away."""
    names = request.names
    dialect = dialect_of(request)
    router = ports.kubernetes.get(dialect.router, router_name(BASELINE), names.namespace)
    frozen = is_frozen(ports.kubernetes.get(NAMESPACE, names.namespace))
    if router and not frozen and deployment(CANARY) in str(router["spec"]):
        manifests = dialect.render(mesh(names, dict.fromkeys(SERVICES, "unused")), names)
        ports.kubernetes.apply(_find(manifests, dialect.router.name, router_name(BASELINE)))
    ports.kubernetes.delete(dialect.node, deployment(CANARY), names.namespace)
    ports.kubernetes.delete(SERVICE, load_balancer(CANARY), names.namespace)
    ports.kubernetes.delete(DEPLOYMENT, deployment(CANARY), names.namespace)


def target(request: Request) -> Target:
    """The router of nodejs and its two nodes."""
    return Target(
        workshop=request.workshop,
        mesh=request.mesh,
        namespace=request.names.namespace,
        router=router_name(BASELINE),
        service=BASELINE,
        baseline=deployment(BASELINE),
        canary=deployment(CANARY),
    )


def ended(request: Request, ports: Ports) -> Finding:
    outcome = _outcome(request, ports)
    if outcome is None:
        return inconclusive("the rollout has no outcome yet")
    return passed(f"the rollout ended: {outcome}", outcome=outcome)


def router_agrees(request: Request, ports: Ports) -> Finding:
    outcome = _outcome(request, ports)
    if outcome is None:
        return inconclusive("the rollout has no outcome yet")
    share = ports.routers.read(target(request)).share
    if share != ENDS[outcome]:
        return failed(f"{outcome}, but the router gives the canary {share:.1%}", share=share)
    return passed(f"the router gives the canary {share:.0%}", share=share)


def proxies_agree(request: Request, ports: Ports) -> Finding:
    outcome = _outcome(request, ports)
    if outcome is None:
        return inconclusive("the rollout has no outcome yet")
    found = ports.data_plane.shares(target(request))
    if not found:
        return inconclusive("no proxy calls the router's service")
    wrong = [f"{each.proxy}: {each.message}" for each in found if each.share != ENDS[outcome]]
    if wrong:
        return failed(f"{outcome}, but not at every proxy: {'; '.join(wrong)}", wrong=wrong)
    share = ENDS[outcome]
    return passed(f"all {len(found)} proxies give the canary {share:.0%}", proxies=len(found), share=share)


def canary_is_there(request: Request, ports: Ports) -> Finding:
    """By hand: the second nodejs runs, and the mesh knows its node."""
    unsettled = pods.unsettled(ports.kubernetes, request.names.namespace, (CANARY,))
    if unsettled:
        return failed("; ".join(unsettled), unsettled=unsettled)
    dialect = dialect_of(request)
    node = ports.kubernetes.get(dialect.node, deployment(CANARY), request.names.namespace)
    trouble = dialect.inactive(node) if node else f"{dialect.node.name} {deployment(CANARY)} is not there"
    if trouble:
        return failed(trouble)
    return passed(f"{deployment(CANARY)} runs and its node is active", node=deployment(CANARY))


def router_waits(request: Request, ports: Ports) -> Finding:
    """By hand: the router has the canary as a target, without traffic: how much it gets is the rollout's to say."""
    router = ports.kubernetes.get(dialect_of(request).router, router_name(BASELINE), request.names.namespace)
    if router is None or deployment(CANARY) not in str(router["spec"]):
        return failed(f"the router {router_name(BASELINE)} has no target {deployment(CANARY)}")
    state = ports.routers.read(target(request))
    if state.share > 0:
        return failed(
            f"the router gives {deployment(CANARY)} {state.share:.0%} already; set its weight to 0: "
            "the rollout raises it as far as the evidence allows",
            weights=dict(state.weights),
        )
    return passed("the router has the canary, with weight 0", weights=dict(state.weights))


def _add_to_router(manifests: list[Manifest], request: Request, ports: Ports) -> None:
    """Apply the canary's node; then the router, unless it has the canary already: its weights are a rollout's."""
    dialect, names = dialect_of(request), request.names
    node = _find(manifests, dialect.node.name, deployment(CANARY))
    waiting = dialect.inactive(ports.kubernetes.apply(node))
    if waiting:
        raise NotReady(f"stage canary: the controller has not accepted {waiting}")
    router = ports.kubernetes.get(dialect.router, router_name(BASELINE), names.namespace)
    if router is None or deployment(CANARY) not in str(router["spec"]):
        router = ports.kubernetes.apply(_find(manifests, dialect.router.name, router_name(BASELINE)))
    waiting = dialect.inactive(router)
    if waiting:
        raise NotReady(f"stage canary: the controller has not accepted {waiting}")


def _find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    return next(each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name)


def _outcome(request: Request, ports: Ports) -> str | None:
    """How the rollout of the stage's current run ended."""
    run = ports.records.stages(request.workshop).get("canary", {}).get("run", "")
    for entry in reversed(ports.rollouts.entries(str(run))):
        if entry.get("outcome"):
            return str(entry["outcome"])
    return None


STAGE = Stage(
    id="canary",
    section="Canary Deploy",
    deadline_seconds=60,  # after the rollout's own end; the rollout has the plan's deadline
    checks=(
        Check("rollout ended", ended),
        Check("router agrees", router_agrees),
        Check("proxies agree", proxies_agree),
    ),
    solve=solve,
    clean=clean,
    needs_traffic=True,
    by_hand=ByHand(
        checks=(Check("canary is there", canary_is_there), Check("router waits", router_waits)), take_over=rollout
    ),
)
