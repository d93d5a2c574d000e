"""The registrar: pods in Cloud Map, as the App Mesh controller registered them. The same on AWS and in the lab.

A node is a VirtualNode with `awsCloudMap` discovery or, in the dialect `gateway`, a Service with the annotation
`canario/cloud-map`. Every pod that a node selects is an instance of that Cloud Map service under its pod IP, from the
first moment it is ready until it is on its way out; in between it is healthy or not. `plan` compares what should be
with what is registered; `reconcile` reads both, does what is planned and looks again, so that two registrars at once
(the lab's and the scheduled function) end at the same state: both aim at it, and each sees the other's work on its
next look. Cloud Map is read *before* the pods: an instance that is read was registered for a pod that had been ready,
so it is only taken away when the newer list of pods says so.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from canario.errors import CanarioError
from canario.workshop import cloud_map
from canario.workshop.cloud_map import CloudMap, Instance, ServiceName
from canario.workshop.conditions import is_true
from canario.workshop.kinds import POD, SERVICE, VIRTUAL_NODE
from canario.workshop.names import CLOUD_MAP_NAMESPACE, LABEL
from canario.workshop.ports import Kind, Manifest
from canario.workshop.selectors import selector_of

CLOUD_MAP_ANNOTATION = "canario/cloud-map"  # of a Service: `<service>.<namespace>` in Cloud Map
ISTIO = "istio"  # what the instances of the dialect `gateway` have as their mesh
NODES = (VIRTUAL_NODE, SERVICE)
LOOKS = 3  # what one look finds is done before the next; the last one should find nothing
ENDED = ("Succeeded", "Failed")


class Objects(Protocol):
    """The part of `ports.Kubernetes` that the registrar reads."""

    def list(
        self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Manifest]: ...


@dataclass(frozen=True)
class Candidate:
    """A pod as it should be registered; one that is not ready only stays if it is registered already."""

    attributes: Mapping[str, str]
    ready: bool

    def is_same(self, instance: Instance) -> bool:
        """Whether the instance is this pod's, and says so completely."""
        wanted = {key: value for key, value in self.attributes.items() if key != cloud_map.INIT_HEALTH}
        return wanted.items() <= instance.attributes.items()

    def has_pod_of(self, instance: Instance) -> bool:
        keys = (cloud_map.POD, cloud_map.POD_NAMESPACE)
        return all(self.attributes[key] == instance.attributes.get(key) for key in keys)


@dataclass(frozen=True)
class Wanted:
    """One Cloud Map service as the nodes want it: the workshop it is for, and its candidates by instance id."""

    workshop: str = ""
    candidates: Mapping[str, Candidate] = field(default_factory=dict)


@dataclass(frozen=True)
class Registered:
    """One Cloud Map service as it is. `ours`: Canario made it."""

    ours: bool = True
    instances: Mapping[str, Instance] = field(default_factory=dict)


@dataclass(frozen=True)
class Create:
    service: ServiceName
    workshop: str


@dataclass(frozen=True)
class Register:
    service: ServiceName
    instance_id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class SetHealth:
    service: ServiceName
    instance_id: str
    healthy: bool


@dataclass(frozen=True)
class Deregister:
    service: ServiceName
    instance_id: str


@dataclass(frozen=True)
class Delete:
    service: ServiceName


Action = Create | Register | SetHealth | Deregister | Delete


@dataclass(frozen=True)
class Outcome:
    """What one reconciliation did, and what it could not do, in words."""

    done: tuple[Action, ...] = ()
    problems: tuple[str, ...] = ()


def wanted(nodes: Sequence[Manifest], pods: Sequence[Manifest]) -> dict[ServiceName, Wanted]:
    """What nodes and pods ask of Cloud Map. Of two nodes that select a pod for one service, the first counts."""
    found: dict[ServiceName, Wanted] = {}
    for node in sorted(nodes, key=_key):
        service = service_of(node)
        if service is None or "deletionTimestamp" in node["metadata"]:
            continue
        before = found.get(service, Wanted(str(node["metadata"].get("labels", {}).get(LABEL, ""))))
        found[service] = Wanted(before.workshop, {**dict(_candidates(node, pods)), **before.candidates})
    return found


def service_of(node: Manifest) -> ServiceName | None:
    """The Cloud Map service of a VirtualNode or a Service; None when it is found in another way only."""
    if node.get("kind") == SERVICE.name:
        name, _, namespace = node["metadata"].get("annotations", {}).get(CLOUD_MAP_ANNOTATION, "").partition(".")
        return ServiceName(namespace, name) if name and namespace else None
    named = (node.get("spec", {}).get("serviceDiscovery") or {}).get("awsCloudMap")
    return ServiceName(str(named["namespaceName"]), str(named["serviceName"])) if named else None


def plan(wanted: Mapping[ServiceName, Wanted], registered: Mapping[ServiceName, Registered]) -> tuple[Action, ...]:
    """What turns `registered` into `wanted`: first what is missing, last what is too much."""
    actions: list[Action] = [
        Create(service, each.workshop)
        for service, each in sorted(wanted.items(), key=_first)
        if service not in registered
    ]
    for service in sorted(wanted):
        instances = registered.get(service, Registered()).instances
        for instance_id, candidate in sorted(wanted[service].candidates.items(), key=_first):
            actions += _improve(service, instance_id, candidate, instances.get(instance_id))
    for service, there in sorted(registered.items(), key=_first):
        keep = wanted[service].candidates if service in wanted else {}
        gone = [each for each in sorted(there.instances) if _is_dead(there.instances[each], keep.get(each))]
        actions += [Deregister(service, each) for each in gone]
        if there.ours and service not in wanted and len(gone) == len(there.instances):
            actions.append(Delete(service))
    return tuple(actions)


def reconcile(
    kubernetes: Objects,
    cloud: CloudMap,
    namespaces: Collection[str] = (),
    kinds: Sequence[Kind] = NODES,
    *,
    alone: bool = True,
) -> Outcome:
    """Bring Cloud Map to what the cluster says now. `namespaces`: further ones in which nothing may be left behind;
    `kinds`: those of the dialects that work here, since whoever runs this may be allowed no others. `alone`: nodes of
    another kind are nobody's; else somebody looks after them, and what may be theirs is left as it is.

    Problems of one service do not keep the others from being looked after; they are in the outcome.
    """
    done: list[Action] = []
    problems: tuple[str, ...] = ()
    for _ in range(LOOKS):
        nodes = [node for kind in kinds for node in kubernetes.list(kind)]
        mapped = [node for node in nodes if service_of(node)]
        registered = read(cloud, mapped, namespaces)
        registered = registered if alone else _of_kinds(registered, kinds)
        pods = [pod for where in sorted({_key(node)[0] for node in mapped}) for pod in kubernetes.list(POD, where)]
        actions = plan(wanted(nodes, pods), registered)
        problems = _perform(actions, cloud)
        done += actions
        if not actions or problems:
            break
    return Outcome(tuple(done), problems)


def read(cloud: CloudMap, nodes: Sequence[Manifest], namespaces: Collection[str] = ()) -> dict[ServiceName, Registered]:
    """The services that may hold the registrar's instances: those that nodes name, those that Canario made in the
    same namespaces and in `namespaces`, and all of the workshops' own namespace.
    """
    named = {service for node in nodes if (service := service_of(node))}
    looked = {service.namespace for service in named} | {CLOUD_MAP_NAMESPACE, *namespaces}
    there = {name: workshop for namespace in sorted(looked) for name, workshop in cloud.services(namespace).items()}
    relevant = {
        name: workshop
        for name, workshop in there.items()
        if workshop is not None or name in named or name.namespace == CLOUD_MAP_NAMESPACE
    }
    return {name: Registered(workshop is not None, dict(cloud.instances(name))) for name, workshop in relevant.items()}


def _of_kinds(registered: Mapping[ServiceName, Registered], kinds: Sequence[Kind]) -> dict[ServiceName, Registered]:
    """Without the instances of other kinds of nodes. A service that has such ones, or none yet, may be theirs."""
    found = {}
    for name, there in registered.items():
        mine = {number: each for number, each in there.instances.items() if _kind_of(each) in kinds}
        found[name] = Registered(there.ours and bool(mine) and len(mine) == len(there.instances), mine)
    return found


def _kind_of(instance: Instance) -> Kind:
    return SERVICE if instance.attributes.get(cloud_map.MESH) == ISTIO else VIRTUAL_NODE


def _candidates(node: Manifest, pods: Sequence[Manifest]) -> Iterator[tuple[str, Candidate]]:
    selector = selector_of(node)
    for pod in pods:
        address = pod.get("status", {}).get("podIP")
        labels = pod["metadata"].get("labels", {})
        if selector and address and _key(pod)[0] == _key(node)[0] and selector.matches(labels) and not _is_ending(pod):
            yield str(address), Candidate(_attributes(node, pod, str(address)), is_ready(pod))


def _attributes(node: Manifest, pod: Manifest, address: str) -> dict[str, str]:
    """The pod's labels, the node's attributes, the controller's own; no mesh before the node has been given one."""
    namespace, name = _key(node)
    spec = node.get("spec", {})
    named = ((spec.get("serviceDiscovery") or {}).get("awsCloudMap") or {}).get("attributes") or ()
    mesh = ISTIO if node.get("kind") == SERVICE.name else (spec.get("meshRef") or {}).get("name")
    return {
        **pod["metadata"].get("labels", {}),
        **{str(each["key"]): str(each["value"]) for each in named},
        cloud_map.ADDRESS: address,
        cloud_map.INIT_HEALTH: "HEALTHY",
        cloud_map.POD: str(pod["metadata"]["name"]),
        cloud_map.POD_NAMESPACE: namespace,
        cloud_map.NODE: str(node["spec"].get("awsName") or f"{name}_{namespace}"),
        **({cloud_map.MESH: str(mesh)} if mesh else {}),
    }


def is_ready(pod: Manifest) -> bool:
    """Whether the pod should get traffic: ready, and not on its way out."""
    return not _is_ending(pod) and is_true(pod, "Ready")


def _is_ending(pod: Manifest) -> bool:
    return "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in ENDED


def _improve(
    service: ServiceName, instance_id: str, candidate: Candidate, instance: Instance | None
) -> Iterator[Action]:
    has_mesh = cloud_map.MESH in candidate.attributes
    if candidate.ready and has_mesh and (instance is None or not candidate.is_same(instance)):
        yield Register(service, instance_id, candidate.attributes)
    if instance and candidate.has_pod_of(instance) and instance.healthy != candidate.ready:
        yield SetHealth(service, instance_id, candidate.ready)


def _is_dead(instance: Instance, candidate: Candidate | None) -> bool:
    """Whether the instance is one of the registrar's whose pod has gone. What others registered is left alone."""
    if cloud_map.NODE not in instance.attributes or cloud_map.POD not in instance.attributes:
        return False
    if candidate is None:
        return True
    return not candidate.ready and not candidate.has_pod_of(instance)  # the address is another pod's by now


def _perform(actions: Sequence[Action], cloud: CloudMap) -> tuple[str, ...]:
    """Do them in order; what failed, in words. A service whose action failed is left for the next time."""
    problems: dict[ServiceName, str] = {}
    for action in actions:
        if action.service in problems:
            continue
        try:
            _do(action, cloud)
        except CanarioError as error:
            problems[action.service] = str(error)
    return tuple(problems.values())


def _do(action: Action, cloud: CloudMap) -> None:
    match action:
        case Create(service, workshop):
            cloud.create(service, workshop)
        case Register(service, instance_id, attributes):
            cloud.register(service, instance_id, attributes)
        case SetHealth(service, instance_id, healthy):
            cloud.set_health(service, instance_id, healthy)
        case Deregister(service, instance_id):
            cloud.deregister(service, instance_id)
        case Delete(service):
            cloud.delete(service)


def _key(obj: Manifest) -> tuple[str, str]:
    return str(obj["metadata"].get("namespace", "")), str(obj["metadata"]["name"])


def _first(item: tuple[Any, Any]) -> Any:
    return item[0]
