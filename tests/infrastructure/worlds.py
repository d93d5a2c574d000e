"""The clusters that scenarios play in: fakes of either dialect in which all is well, and how they are moved on."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from canario.adapters.envoy_admin import MeshDataPlane
from canario.adapters.routers import MeshRouters
from canario.errors import CanarioError
from canario.workshop.application import url
from canario.workshop.kinds import APP_MESH, APP_MESH_KINDS, DEPLOYMENT, GATEWAY_KINDS, LEASE, MESH
from canario.workshop.left_overs import ANSWERED_BY, LABELLED
from canario.workshop.ports import Answer, Ports
from canario.workshop.request import Request
from canario.workshop.stages import stage
from canario.workshop.stages.s03_controller import INJECTOR_LABEL
from canario.workshop.stages.s08_canary import target
from canario.workshop.stages.s10_clean import LOAD_LEASE
from tests.fakes import NOW
from tests.unit.workshop.istio import istio_world
from tests.unit.workshop.world import DEFAULT, answering, world

REQUESTS = {"appmesh": DEFAULT, "gateway": replace(DEFAULT, mesh="gateway")}
MINUTES = (0, 10, 20)  # attempts of a stage


def cluster(request: Request) -> Ports:
    """All is well; somebody sends load who has just died; the injector is registered."""
    ports = istio_world(request) if request.mesh == "gateway" else world()
    names = request.names
    ports.http.answers[url(names, "frontend")] = answering("frontend", "envoy")  # type: ignore[attr-defined]
    for service in ("nodejs", "crystal"):
        body = json.dumps({"service": service, "node": f"{service}-app-0"})
        ports.http.answers[url(names, service)] = Answer(200, {"server": "envoy"}, body)  # type: ignore[attr-defined]
    lease = {"holderIdentity": "load", "leaseDurationSeconds": 1, "renewTime": "2026-11-02T11:00:00+00:00"}
    metadata = {"name": LOAD_LEASE, "namespace": names.namespace}
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "injector"},
        "webhooks": [{"namespaceSelector": {"matchLabels": {INJECTOR_LABEL: "enabled"}}}],
    }
    kubernetes = ports.kubernetes
    kubernetes.put(  # type: ignore[attr-defined]
        {"apiVersion": LEASE.api_version, "kind": "Lease", "metadata": metadata, "spec": lease}
    )
    kubernetes.put(webhook)  # type: ignore[attr-defined]
    return ports


def meshed(request: Request) -> Ports:
    """With a mesh and its canary."""
    ports = cluster(request)
    for id in ("baseline", "controller", "mesh", "canary"):
        settle(ports, lambda later, id=id: stage(id).solve(request, later))
    return ports


def settle(ports: Ports, act: Callable[[Ports], Any]) -> None:
    """Again and again, so that what has to settle first settles."""
    for minutes in MINUTES:
        with suppress(CanarioError):
            act(replace(ports, now=NOW + timedelta(minutes=minutes)))


def real(ports: Ports) -> Ports:
    """With the real routers and the real reading of proxies, over the same cluster."""
    cluster = ports.kubernetes
    return replace(ports, routers=MeshRouters(cluster), data_plane=MeshDataPlane(cluster))


def in_flight(request: Request, ports: Ports) -> None:
    """Somebody has given the canary a share."""
    routers, where = MeshRouters(ports.kubernetes), target(request)
    routers.write(where, 0.1, routers.read(where).version)


def by_hand(request: Request, ports: Ports) -> None:
    """What attendees leave: an object of every kind that is swept; of App Mesh's, one more that is held, for a
    controller that is gone.
    """
    names, finalizers = request.names, [f"finalizers.{APP_MESH.partition('/')[0]}/members"]
    mesh = (MESH, *APP_MESH_KINDS) if request.mesh == "appmesh" else GATEWAY_KINDS
    leaving = {"finalizers": finalizers, "deletionTimestamp": "2026-11-02T11:00:00Z", "resourceVersion": "1"}
    held = [(kind, "held", leaving) for kind in mesh if kind.api_version == APP_MESH]
    for kind, name, more in (*((kind, "by-hand", {}) for kind in (*mesh, *LABELLED)), *held):
        place = {"namespace": names.namespace} if kind.namespaced else {}
        metadata = {"name": name, **place, "labels": names.labels, **more}
        found = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, "spec": {}, "status": {}}
        ports.kubernetes.objects[kind.name, place.get("namespace"), name] = found  # type: ignore[attr-defined]
    for namespace, deployment in ANSWERED_BY.values():
        ports.kubernetes.delete(DEPLOYMENT, deployment, namespace)


def nobody_registers(ports: Ports) -> None:
    """No registrar lets go of Cloud Map's instances: whoever wants them gone does it."""
    ports.kubernetes.cloud = None  # type: ignore[attr-defined]


def pods_end(ports: Ports) -> None:
    """As the controllers would make them, once their Deployments are gone."""
    for key in [key for key in ports.kubernetes.objects if key[0] == "Pod"]:  # type: ignore[attr-defined]
        del ports.kubernetes.objects[key]  # type: ignore[attr-defined]


def running(ports: Ports) -> None:
    """The fakes' pods have no phase; a proxy is only asked where its pod runs."""
    for key, each in ports.kubernetes.objects.items():  # type: ignore[attr-defined]
        if key[0] == "Pod":
            each["status"]["phase"] = "Running"
