"""`preflight` — the document's "Pre reqs": what must be there before anything is made. Changes nothing."""

from collections.abc import Mapping
from typing import Any

from canario.workshop.application import REPOSITORIES
from canario.workshop.capacity import Thing, together
from canario.workshop.kinds import NODE, POD
from canario.workshop.names import CLOUD_MAP_NAMESPACE, ZONE
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.room import FINISHED, is_ready, quantity
from canario.workshop.stage import Check, Finding, Stage, failed, nothing_to_clean, passed, refused


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Preflight only looks."""
    return {}


def dialect(request: Request, ports: Ports) -> Finding:
    if request.mesh in ports.dialects:
        return passed(f"the dialect {request.mesh} works here", dialects=list(ports.dialects))
    why = (
        "AWS ended App Mesh on 2026-09-30: its objects can be written, but nothing acts on them"
        if request.mesh == "appmesh"
        else "this installation has no Gateway API implementation"
    )
    advice = f'start with "mesh": "{ports.dialects[0]}"'
    if request.mesh == "appmesh":
        advice += ", or run the App Mesh workshop in the lab (make lab)"
    return refused(
        f"mesh {request.mesh!r} cannot work here: {why}. What to do: {advice}",
        dialects=list(ports.dialects),
    )


def permissions(request: Request, ports: Ports) -> Finding:
    tried = list(ports.permissions.tried())
    missing = list(ports.permissions.missing())
    if missing:
        return refused(
            f"missing permissions: {'; '.join(missing)}. What to do: deploy the stacks again, or add them to the roles",
            tried=tried,
            missing=missing,
        )
    return passed(f"all {len(tried)} permissions that were tried are there", tried=tried)


def cluster(request: Request, ports: Ports) -> Finding:
    nodes = ports.kubernetes.list(NODE)
    ready = [str(node["metadata"]["name"]) for node in nodes if is_ready(node)]
    if not ready:
        return failed(f"none of the cluster's {len(nodes)} nodes is Ready", nodes=len(nodes), ready=ready)
    return passed(f"{len(ready)} of {len(nodes)} nodes are Ready", nodes=len(nodes), ready=ready)


def capacity(request: Request, ports: Ports) -> Finding:
    """Pods: the quota that a small node type meets first (a t2.micro holds four)."""
    nodes = ports.kubernetes.list(NODE)
    room = int(sum(quantity(node.get("status", {}).get("allocatable", {}).get("pods", 0)) for node in nodes))
    used = [pod for pod in ports.kubernetes.list(POD) if pod.get("status", {}).get("phase") not in FINISHED]
    others = [pod for pod in used if pod["metadata"].get("namespace") != request.names.namespace]
    needed = together([request], 1)[Thing.PODS]
    measured = {"allocatable": room, "running": len(others), "needed": needed}
    if room - len(others) < needed:
        return failed(
            f"the nodes hold {room} pods and {len(others)} run already; the workshop needs {needed} more. "
            "What to do: more nodes, or a larger node type",
            **measured,
        )
    return passed(f"room for {room - len(others)} pods, {needed} needed", **measured)


def images(request: Request, ports: Ports) -> Finding:
    digests = {repository: ports.images.digest(repository) for repository in REPOSITORIES.values()}
    missing = sorted(repository for repository, digest in digests.items() if digest is None)
    if missing:
        return failed(
            f"not there: {', '.join(map(ports.images.reference, missing))}. "
            "What to do: see whether CodeBuild's project canario-images has built them, or push them (apps/demo)",
            digests=digests,
        )
    return passed(f"{len(digests)} images are there", digests=digests)


def zone(request: Request, ports: Ports) -> Finding:
    records = ports.zone.records()
    return passed(f"the private zone {ZONE} answers", zone=ZONE, records=len(records))


def cloud_map(request: Request, ports: Ports) -> Finding:
    found = ports.cloud_map.namespaces()
    if CLOUD_MAP_NAMESPACE not in found:
        return failed(
            f"Cloud Map has no namespace {CLOUD_MAP_NAMESPACE}. What to do: deploy the stacks again",
            namespaces=sorted(found),
        )
    return passed(f"the Cloud Map namespace {CLOUD_MAP_NAMESPACE} is there", namespace=found[CLOUD_MAP_NAMESPACE])


STAGE = Stage(
    id="preflight",
    section="Pre reqs",
    deadline_seconds=60,
    checks=(
        Check("dialect", dialect),
        Check("permissions", permissions),
        Check("cluster", cluster),
        Check("capacity", capacity),
        Check("images", images),
        Check("zone", zone),
        Check("Cloud Map", cloud_map),
    ),
    solve=solve,
    clean=nothing_to_clean,
)
