"""`clean` — the document has none: nothing that the workshop made is left, listed twice.

Everything that a workshop makes carries its label; cleaning undoes the stages backwards and then believes only what
it lists. The workshop is frozen first: whoever sends it load sees the mark on the namespace and lets go of the lease
`canario-load`, so that no request is in flight when its service goes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from canario.errors import NotReady
from canario.workshop.dialects import APP_MESH, dialect_of
from canario.workshop.kinds import (
    CONFIG_MAP,
    CRD,
    DEPLOYMENT,
    LEASE,
    MESH,
    NAMESPACE,
    POD,
    SECRET,
    SERVICE,
)
from canario.workshop.ports import Kind, Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, nothing_to_clean, passed
from canario.workshop.stages import (
    s02_baseline,
    s03_controller,
    s04_mesh,
    s06_discovery,
    s07_gateway,
    s08_canary,
    s09_mtls,
)
from canario.workshop.stages.s03_controller import SYSTEM

FROZEN = "canario/frozen"  # the namespace's annotation: when the workshop was frozen
LOAD_LEASE = "canario-load"
BACKWARDS = (s09_mtls, s08_canary, s07_gateway, s04_mesh, s02_baseline, s03_controller)
LISTED: tuple[Kind, ...] = (DEPLOYMENT, SERVICE, CONFIG_MAP, SECRET, POD, NAMESPACE)


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    _freeze(request, ports)
    for module in BACKWARDS:
        module.STAGE.clean(request, ports)
    s06_discovery.forget(request, ports)  # by now no node names what is in Cloud Map
    return {}


def nothing_left(request: Request, ports: Ports) -> Finding:
    """Two complete listings, one after the other, find nothing."""
    listings = [_listing(request, ports) for _ in range(2)]
    left = sorted({name for listing in listings for name in listing})
    if left:
        return failed(f"{len(left)} things are left: {', '.join(left[:8])}", left=left)
    return passed("nothing is left, listed twice", listings=[len(listing) for listing in listings])


def _listing(request: Request, ports: Ports) -> list[str]:
    names = request.names
    found = [
        f"{kind.name} {each['metadata'].get('namespace', '')}/{each['metadata']['name']}"
        for kind in (*_mesh_kinds(request), *LISTED)
        for each in ports.kubernetes.list(kind, labels=names.labels)
    ]
    inside = ports.kubernetes.list(POD, names.namespace) if ports.kubernetes.get(NAMESPACE, names.namespace) else []
    found += [f"Pod {names.namespace}/{pod['metadata']['name']}" for pod in inside]
    found += [f"Route 53 {name}" for name in ports.zone.records() if _is_ours(name, request)]
    found += [f"Cloud Map {service}" for service in s06_discovery.left_overs(request, ports)]
    return found + _controller(request, ports)


def _mesh_kinds(request: Request) -> tuple[Kind, ...]:
    kinds = dialect_of(request).kinds
    return (*kinds, MESH) if request.mesh == APP_MESH.id else kinds


def _controller(request: Request, ports: Ports) -> list[str]:
    """What is left of the controller, which goes with the last workshop."""
    if request.mesh != APP_MESH.id or s03_controller.others(request, ports):
        return []
    ours = {manifest["metadata"]["name"] for manifest in s03_controller.crds()}
    found = [f"CustomResourceDefinition {crd['metadata']['name']}" for crd in ports.kubernetes.list(CRD)]
    left = [name for name in found if name.split()[1] in ours]
    return [*left, f"Namespace {SYSTEM}"] if ports.kubernetes.get(NAMESPACE, SYSTEM) else left


def _is_ours(name: str, request: Request) -> bool:
    """Whether the record is of this workshop, and not of one whose names are longer."""
    head, _, rest = name.partition(".")
    return bool(head) and rest == request.names.domain


def _freeze(request: Request, ports: Ports) -> None:
    namespace = ports.kubernetes.get(NAMESPACE, request.names.namespace)
    if namespace is None or "deletionTimestamp" in namespace["metadata"]:
        return
    if FROZEN not in namespace["metadata"].get("annotations", {}):
        mark = {"metadata": {"annotations": {FROZEN: ports.now.isoformat()}}}
        ports.kubernetes.patch(NAMESPACE, request.names.namespace, None, mark)
    holder = _load_holder(request, ports)
    if holder:
        raise NotReady(f"stage clean: {holder} still sends load to the workshop; it has been asked to stop")


def _load_holder(request: Request, ports: Ports) -> str | None:
    """Who holds the load's lease; None when nobody does, or when the holder has not renewed it in time."""
    lease = ports.kubernetes.get(LEASE, LOAD_LEASE, request.names.namespace)
    spec = (lease or {}).get("spec", {})
    if not spec.get("holderIdentity"):
        return None
    renewed = datetime.fromisoformat(str(spec["renewTime"]))
    stale = (ports.now - renewed).total_seconds() > int(spec.get("leaseDurationSeconds", 15))
    return None if stale else str(spec["holderIdentity"])


STAGE = Stage(
    id="clean",
    section="(the document has none)",
    deadline_seconds=300,
    checks=(Check("nothing left", nothing_left),),
    solve=solve,
    clean=nothing_to_clean,
)
