"""`mesh` — the document's "Vincular" and "Criação do mesh": every pod gets an Envoy, and answers come through it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from canario.errors import NotReady
from canario.workshop import pods
from canario.workshop.application import hostname, url
from canario.workshop.dialects import Dialect, dialect_of
from canario.workshop.discovery import discoveries
from canario.workshop.frozen import is_frozen
from canario.workshop.kinds import DEPLOYMENT, NAMESPACE, SERVICE
from canario.workshop.mesh import mesh, router_name
from canario.workshop.names import SERVICES, Names, deployment, load_balancer
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, inconclusive, passed

JOINED = "canario/mesh"  # the pod template's annotation: for which mesh its pods were started anew
LEFT = "canario/left-mesh"  # after which restart by hand they left it
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Label the namespace, make the mesh; once the controller has accepted it, start the pods anew."""
    names = request.names
    dialect = dialect_of(request)
    ports.kubernetes.patch(NAMESPACE, names.namespace, None, {"metadata": {"labels": dialect.labels(names)}})
    manifests = dialect.render(mesh(names, discoveries(request, ports, SERVICES)), names)
    waiting = [text for manifest in manifests if (text := dialect.inactive(ports.kubernetes.apply(manifest)))]
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
        _leave(dialect_of(request), names, ports)
    dialect_of(request).remove(names, ports)


def _leave(dialect: Dialect, names: Names, ports: Ports) -> None:
    """Let no new pod join, and start the pods anew."""
    labels = dict.fromkeys(dialect.labels(names))
    ports.kubernetes.patch(NAMESPACE, names.namespace, None, {"metadata": {"labels": labels}})
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


def accepted(request: Request, ports: Ports) -> Finding:
    """Every object of the mesh is in force, and there is one for each router of the workshop."""
    names, dialect = request.names, dialect_of(request)
    try:
        objects = dialect.objects(names, ports)
    except NotReady as error:
        return failed(str(error))
    there = {each["metadata"]["name"] for each in objects if each["kind"] == dialect.router.name}
    missing = sorted({router_name(service) for service in SERVICES} - there)
    trouble = [f"{dialect.router.name} {name} is not there" for name in missing]
    trouble += [text for each in objects if (text := dialect.inactive(each))]
    if trouble:
        return failed("; ".join(trouble), inactive=trouble)
    return passed(f"{len(objects)} objects of mesh {names.mesh} are active", objects=len(objects))


def rolled_out(request: Request, ports: Ports) -> Finding:
    """Since the pods joined: the rollout that the stage baseline saw does not count."""
    proxy = dialect_of(request).proxy.container
    missing = pods.unsettled_with(proxy, ports.kubernetes, request.names.namespace, SERVICES)
    if missing:
        return failed("; ".join(missing), unsettled=missing)
    found = [deployment(service) for service in SERVICES]
    return passed(f"every deployment is rolled out with {proxy}", deployments=found)


def injected(request: Request, ports: Ports) -> Finding:
    found = pods.by_container(pods.pods(ports.kubernetes, request.names.namespace, SERVICES))
    if not found:
        return inconclusive("there are no pods")
    proxy = dialect_of(request).proxy.container
    bare = sorted(pod for pod, containers in found.items() if proxy not in containers)
    if bare:
        return failed(f"pods without a container {proxy}: {', '.join(bare)}", pods=found)
    return passed(f"all {len(found)} pods have a container {proxy}", pods=found)


def through_envoy(service: str, request: Request, ports: Ports) -> Finding:
    answer = ports.http.get(url(request.names, service))
    server = answer.headers.get("server", "")
    measured = {"status": answer.status, "server": server}
    if answer.status != 200:
        return failed(f"{service} answered {answer.status}: {answer.body[:120]}", **measured)
    if server not in dialect_of(request).servers:
        return failed(f"{service} answered as {server!r}, not through Envoy", **measured)
    return passed(f"{service} answered 200 through Envoy", **measured)


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
