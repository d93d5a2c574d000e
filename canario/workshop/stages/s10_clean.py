"""`clean` — the document has none: nothing that the workshop made is left, listed twice.

Everything that a workshop makes carries its label; cleaning undoes the stages backwards, sweeps what it still finds by
label, and then believes only what it lists. The workshop is frozen first: whoever sends it load sees the mark on the
namespace and lets go of the lease `canario-load`, so that no request is in flight when its service goes, and a rollout
in flight is rolled back. The controller goes last, when nothing of the mesh waits for it any more.

Every attempt begins anew, so that it may be cut off anywhere. What does not go until the deadline leaves the workshop
`quarantined`, with the names of what is left.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from canario.canary import steps
from canario.errors import NotReady
from canario.workshop import left_overs
from canario.workshop.frozen import freeze
from canario.workshop.kinds import CRD, LEASE, NAMESPACE
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, nothing_to_clean, passed
from canario.workshop.stages import (
    s02_baseline,
    s03_controller,
    s04_mesh,
    s06_discovery,
    s07_gateway,
    s08_canary,
)
from canario.workshop.stages.s03_controller import SYSTEM

LOAD_LEASE = "canario-load"
BACKWARDS = (s08_canary, s07_gateway, s04_mesh, s02_baseline)  # certificates are swept with the namespace's Secrets
LISTINGS = 2
CANCELLED = "the workshop is being cleaned"


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """NotReady, naming what is left, until there is nothing; `left` in its progress has all the names."""
    freeze(request.names, ports)
    _wait_for_load(request, ports)
    _end_rollout(request, ports)
    for module in BACKWARDS:
        module.STAGE.clean(request, ports)
    left_overs.sweep(left_overs.find(request, ports), ports)
    for name in _names(request, ports):
        ports.zone.delete(name)
    with suppress(NotReady):  # by now no node names what is in Cloud Map; what still has instances is listed below
        s06_discovery.forget(request, ports)
    _require_nothing(_own(request, ports))
    s03_controller.STAGE.clean(request, ports)
    _require_nothing(_listing(request, ports))
    return {"left": []}


def nothing_left(request: Request, ports: Ports) -> Finding:
    """Two complete listings, one after the other, find nothing."""
    listings = [_listing(request, ports) for _ in range(LISTINGS)]
    left = sorted({name for listing in listings for name in listing})
    if left:
        return failed(_says(left), left=left)
    return passed("nothing is left, listed twice", listings=[len(listing) for listing in listings])


def _listing(request: Request, ports: Ports) -> list[str]:
    return _own(request, ports) + _controller(request, ports)


def _own(request: Request, ports: Ports) -> list[str]:
    """What is the workshop's alone, in the cluster, in Route 53 and in Cloud Map."""
    found = left_overs.said(left_overs.find(request, ports))
    found += [f"Route 53 {name}" for name in _names(request, ports)]
    return found + [f"Cloud Map {service}" for service in s06_discovery.left_overs(request, ports)]


def _controller(request: Request, ports: Ports) -> list[str]:
    """What is left of the controller, which goes with the last workshop."""
    if s03_controller.others(request, ports):
        return []
    ours = {manifest["metadata"]["name"] for manifest in s03_controller.crds()}
    found = [f"CustomResourceDefinition {crd['metadata']['name']}" for crd in ports.kubernetes.list(CRD)]
    left = [name for name in found if name.split()[1] in ours]
    return [*left, f"Namespace {SYSTEM}"] if ports.kubernetes.get(NAMESPACE, SYSTEM) else left


def _names(request: Request, ports: Ports) -> list[str]:
    """The workshop's records, without those of workshops whose names are longer."""
    return [name for name in ports.zone.records() if name.partition(".")[2] == request.names.domain]


def _require_nothing(left: list[str]) -> None:
    if left:
        raise NotReady(f"stage clean: {_says(left)}", {"left": left})


def _says(left: list[str]) -> str:
    more = f" and {len(left) - 8} more" if len(left) > 8 else ""
    return f"{len(left)} things are left: {', '.join(left[:8])}{more}"


def _end_rollout(request: Request, ports: Ports) -> None:
    """Roll back a rollout in flight; its execution, if it runs, finds its lock gone and ends."""
    target = s08_canary.target(request)
    lock = ports.rollouts.holder(target)
    if lock is None:
        return
    world = steps.World(ports.routers, ports.data_plane, ports.metrics, ports.rollouts, ports.events)
    if not steps.abandon(lock.rollout, CANCELLED, target, world, ports.now):
        ports.rollouts.unlock(target, lock.rollout)  # it had not begun, or its end was cut off


def _wait_for_load(request: Request, ports: Ports) -> None:
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
    failure="quarantined",
)
