"""`mesh` — the document's "Vincular" and "Criação do mesh": every pod gets an Envoy, and answers come through it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from canario.errors import NotReady
from canario.mesh import appmesh
from canario.workshop import pods
from canario.workshop.application import hostname, url
from canario.workshop.discovery import discoveries
from canario.workshop.frozen import is_frozen
from canario.workshop.kinds import APP_MESH_KINDS, DEPLOYMENT, MESH, NAMESPACE, SERVICE
from canario.workshop.mesh import MESH_LABEL, mesh
from canario.workshop.names import SERVICES, Names, deployment, load_balancer
from canario.workshop.ports import Manifest, Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, inconclusive, passed
from canario.workshop.stages.s03_controller import INJECTOR_LABEL

JOINED = "canario/mesh"  # the pod template's annotation: for which mesh its pods were started anew
LEFT = "canario/left-mesh"  # after which restart by hand they left it
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Label the namespace, make the mesh; once the controller has accepted it, start the pods anew."""
    names = request.names
    labels = {MESH_LABEL: names.mesh, INJECTOR_LABEL: "enabled"}
    ports.kubernetes.patch(NAMESPACE, names.namespace, None, {"metadata": {"labels": labels}})
    manifests = labelled(appmesh.render(mesh(names, discoveries(names, ports, SERVICES))), names)
    waiting = [text for manifest in manifests if (text := inactive(ports.kubernetes.apply(manifest)))]
    if waiting:
        raise NotReady(f"stage mesh: the controller has not accepted {', '.join(waiting)}")
    restart = {"spec": {"template": {"metadata": {"annotations": {JOINED: names.mesh}}}}}
    for service in SERVICES:
        ports.kubernetes.patch(DEPLOYMENT, deployment(service), names.namespace, restart)
    return {}


def clean(request: Request, ports: Ports) -> None:
    """Take the mesh away, and the Envoys with it unless the whole workshop is going."""
    names = request.names
    if not is_frozen(ports.kubernetes.get(NAMESPACE, names.namespace)):
        _leave(names, ports)
    for kind in APP_MESH_KINDS:
        for each in ports.kubernetes.list(kind, names.namespace):
            ports.kubernetes.delete(kind, each["metadata"]["name"], names.namespace)
    ports.kubernetes.delete(MESH, names.mesh)


def _leave(names: Names, ports: Ports) -> None:
    """Let no new pod join, and start the pods anew."""
    labels = {"metadata": {"labels": {MESH_LABEL: None, INJECTOR_LABEL: None}}}
    ports.kubernetes.patch(NAMESPACE, names.namespace, None, labels)
    for service in SERVICES:
        found = ports.kubernetes.get(DEPLOYMENT, deployment(service), names.namespace)
        if found is None:
            continue
        template = found["spec"]["template"]["metadata"]
        # Another value than at the time when the pods joined, and the same when this is repeated.
        left = template.get("annotations", {}).get(RESTARTED, "the machine's")
        restart = {"spec": {"template": {"metadata": {"annotations": {JOINED: None, LEFT: left}}}}}
        ports.kubernetes.patch(DEPLOYMENT, deployment(service), names.namespace, restart)


def hostnames(names: Names, ports: Ports, services: tuple[str, ...]) -> dict[str, str]:
    """service → its load balancer's name. Raises NotReady while one has none."""
    found = {}
    for service in services:
        name = hostname(ports.kubernetes.get(SERVICE, load_balancer(service), names.namespace))
        if name is None:
            raise NotReady(f"load balancer {load_balancer(service)} has no address yet")
        found[service] = name
    return found


def labelled(manifests: list[Manifest], names: Names) -> list[Manifest]:
    """The manifests with the workshop's label, by which `clean` finds them."""
    return [{**each, "metadata": {**each["metadata"], "labels": names.labels}} for each in manifests]


def accepted(request: Request, ports: Ports) -> Finding:
    names = request.names
    objects = [each for kind in APP_MESH_KINDS for each in ports.kubernetes.list(kind, names.namespace)]
    its_mesh = ports.kubernetes.get(MESH, names.mesh)
    if its_mesh is None:
        return failed(f"mesh {names.mesh} is not there")
    trouble = [text for each in (its_mesh, *objects) if (text := inactive(each))]
    if trouble:
        return failed("; ".join(trouble), inactive=trouble)
    return passed(f"{1 + len(objects)} objects of mesh {names.mesh} are active", objects=1 + len(objects))


def rolled_out(request: Request, ports: Ports) -> Finding:
    missing = pods.unsettled(ports.kubernetes, request.names.namespace, SERVICES)
    if missing:
        return failed("; ".join(missing), unsettled=missing)
    return passed("every deployment is rolled out", deployments=[deployment(service) for service in SERVICES])


def injected(request: Request, ports: Ports) -> Finding:
    found = pods.by_container(pods.pods(ports.kubernetes, request.names.namespace, SERVICES))
    if not found:
        return inconclusive("there are no pods")
    bare = sorted(pod for pod, containers in found.items() if "envoy" not in containers)
    if bare:
        return failed(f"pods without an envoy container: {', '.join(bare)}", pods=found)
    return passed(f"all {len(found)} pods have an envoy container", pods=found)


def through_envoy(service: str, request: Request, ports: Ports) -> Finding:
    answer = ports.http.get(url(request.names, service))
    server = answer.headers.get("server", "")
    measured = {"status": answer.status, "server": server}
    if answer.status != 200:
        return failed(f"{service} answered {answer.status}: {answer.body[:120]}", **measured)
    if server != "envoy":
        return failed(f"{service} answered as {server!r}, not through Envoy", **measured)
    return passed(f"{service} answered 200 through Envoy", **measured)


def inactive(manifest: Manifest) -> str | None:
    """Why the controller has not made the object active; None when it has."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    for condition in manifest.get("status", {}).get("conditions", []):
        if condition["type"] == f"{kind}Active":
            if condition["status"] == "True":
                return None
            return f"{kind} {name} ({condition.get('message') or condition.get('reason') or 'not active'})"
    return f"{kind} {name} (no condition {kind}Active yet)"


STAGE = Stage(
    id="mesh",
    section="Vincular o App Mesh instalado com o Cluster / Criação do mesh",
    deadline_seconds=300,
    checks=(
        Check("mesh accepted", accepted),
        Check("rolled out", rolled_out),
        Check("envoy in every pod", injected),
        *(Check(f"{service} through Envoy", partial(through_envoy, service)) for service in SERVICES),
    ),
    solve=solve,
    clean=clean,
)
