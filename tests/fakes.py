"""In-memory stand-ins for every port, with state that a test can read and set.

The contract suites in `tests/contracts/adapters` hold them to the same promises as the real adapters.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from canario.canary.instructions import Instruction
from canario.canary.ports import Lock, NodeCounts, ProxyShare, Readings, RouterState, Steered, Target, Wanted
from canario.errors import AlreadyRunning, Conflict, InvalidInput, NotThere, NotWaiting, RemoteError
from canario.workshop.cloud_map import Instance, ServiceName
from canario.workshop.guided import Waiting
from canario.workshop.names import CLOUD_MAP_NAMESPACE
from canario.workshop.ports import (
    Answer,
    CertificateFacts,
    KeyPair,
    Kind,
    Manifest,
    Ports,
    ServiceGraph,
    TlsAnswer,
    Trace,
    Traced,
)
from tests.lifetimes import FakeLifetimes

NOW = datetime.fromisoformat("2026-11-02T12:00:00+00:00")


class FakeKubernetes:
    """Objects under (kind, namespace, name). `answers` is what `proxy` gets, by (pod, port, path)."""

    def __init__(self, *objects: Manifest) -> None:
        self.objects: dict[tuple[str, str | None, str], Manifest] = {}
        self.applied: dict[tuple[str, str | None, str], Manifest] = {}
        self.answers: dict[tuple[str, int, str], Answer] = {}
        self.version = 0
        for each in objects:
            self.put(each)

    def put(self, manifest: Manifest) -> Manifest:
        """Store the object as it is, under a new resourceVersion."""
        self.version += 1
        stored = copy.deepcopy(manifest)
        stored.setdefault("metadata", {})["resourceVersion"] = str(self.version)
        self.objects[_key(stored)] = stored
        return copy.deepcopy(stored)

    def apply(self, manifest: Manifest) -> Manifest:
        """What an earlier apply named and this one does not goes; what others wrote stays."""
        key = _key(manifest)
        live = merge(self.objects.get(key, {}), _dropped(self.applied.get(key, {}), manifest))
        self.applied[key] = copy.deepcopy(manifest)
        return self.put(merge(live, manifest))

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Manifest | None:
        return copy.deepcopy(self.objects.get((kind.name, namespace, name)))

    def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        return [
            copy.deepcopy(each)
            for (name, where, _), each in sorted(self.objects.items(), key=lambda item: str(item[0]))
            if name == kind.name
            and namespace in (None, where)
            and (labels or {}).items() <= each["metadata"].get("labels", {}).items()
        ]

    def patch(self, kind: Kind, name: str, namespace: str | None, patch: Manifest) -> Manifest:
        found = self.objects.get((kind.name, namespace, name))
        if found is None:
            raise RemoteError(f"patching {kind.name} {namespace}/{name}: not found")
        return self.put(merge(found, patch))

    def replace(self, manifest: Manifest) -> Manifest:
        found = self.objects.get(_key(manifest))
        if found is None:
            raise RemoteError(f"replacing {_key(manifest)}: not found")
        if found["metadata"]["resourceVersion"] != manifest["metadata"].get("resourceVersion"):
            raise Conflict(f"{_key(manifest)} changed since it was read")
        return self.put(manifest)

    def delete(self, kind: Kind, name: str, namespace: str | None = None) -> None:
        self.objects.pop((kind.name, namespace, name), None)
        self.applied.pop((kind.name, namespace, name), None)

    def proxy(self, namespace: str, pod: str, port: int, path: str) -> Answer:
        if (pod, port, path) not in self.answers:
            raise RemoteError(f"GET {path} at pod {namespace}/{pod} port {port}: no answer")
        return self.answers[pod, port, path]


def _key(manifest: Manifest) -> tuple[str, str | None, str]:
    return manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"]


def _dropped(old: Manifest, new: Manifest) -> Manifest:
    """The merge patch that removes what `old` names and `new` does not."""
    gone = {key: None for key in old if key not in new}
    both = {key: (old[key], new[key]) for key in old if key in new}
    inner = {key: _dropped(*pair) for key, pair in both.items() if all(isinstance(each, dict) for each in pair)}
    return gone | inner


def merge(old: Any, new: Any) -> Any:
    """JSON merge patch (RFC 7396): None removes, mappings merge, everything else replaces."""
    if not isinstance(new, dict):
        return copy.deepcopy(new)
    merged = copy.deepcopy(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


@dataclass
class FakeHttp:
    """Answers by URL; whatever is not in `answers` does not answer. A list is used up, its last one stays."""

    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, url: str, timeout_seconds: float = 5.0) -> Answer:
        self.asked.append(url)
        if url not in self.answers:
            raise RemoteError(f"GET {url}: no answer")
        answer = self.answers[url]
        if isinstance(answer, Answer):
            return answer
        return answer.pop(0) if len(answer) > 1 else answer[0]


@dataclass
class FakeCertificates:
    """Certificates in plain text: `subject|issuer|names|begins|ends|number`. Their keys are made up."""

    made: int = 0

    def authority(self, name: str, now: datetime, days: float) -> KeyPair:
        return self._made(f"{name} {self.made}", f"{name} {self.made}", (), now, now + timedelta(days=days))

    def issue(self, authority: KeyPair, names: Sequence[str], now: datetime, days: float) -> KeyPair:
        ends = min(now + timedelta(days=days), self.read(authority.certificate).ends)
        return self._made(names[0], authority.certificate.split("|")[0], tuple(names), now, ends)

    def read(self, certificate: str) -> CertificateFacts:
        if certificate.count("|") != 5:
            raise InvalidInput("certificate", certificate[:40], "a certificate")
        _, _, names, begins, ends, _ = certificate.split("|")
        moments = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
        return CertificateFacts(tuple(filter(None, names.split(","))), *moments, fingerprint=certificate)

    def is_issued_by(self, certificate: str, authority: str) -> bool:
        return certificate.split("|")[1] == authority.split("|")[0]

    def _made(self, subject: str, issuer: str, names: tuple[str, ...], begins: datetime, ends: datetime) -> KeyPair:
        self.made += 1
        text = "|".join((subject, issuer, ",".join(names), begins.isoformat(), ends.isoformat(), str(self.made)))
        return KeyPair(text, f"key {self.made}")


@dataclass
class FakeTls:
    """How a connection ends, by address: a function of what the client trusts and shows. None trusted: plaintext."""

    servers: dict[str, Callable[[str | None, KeyPair | None], TlsAnswer]] = field(default_factory=dict)

    def get(
        self,
        address: str,
        port: int,
        *,
        path: str = "/",
        host: str = "",
        trust: str | None = None,
        identity: KeyPair | None = None,
    ) -> TlsAnswer:
        if address not in self.servers:
            raise RemoteError(f"GET {path} at {address}:{port}: nobody answers")
        return self.servers[address](trust, identity)


@dataclass
class FakeZone:
    names: dict[str, str] = field(default_factory=dict)

    def upsert(self, name: str, target: str) -> None:
        self.names[name.rstrip(".")] = target.rstrip(".")

    def delete(self, name: str) -> None:
        self.names.pop(name.rstrip("."), None)

    def records(self) -> Mapping[str, str]:
        return dict(self.names)


@dataclass
class FakeCloudMap:
    """Instances by service and id; `workshops`: the services that Canario made, and for whom."""

    spaces: set[str] = field(default_factory=lambda: {CLOUD_MAP_NAMESPACE})
    registered: dict[ServiceName, dict[str, Instance]] = field(default_factory=dict)
    workshops: dict[ServiceName, str] = field(default_factory=dict)
    calls: list[tuple[str, ServiceName, str]] = field(default_factory=list)

    def namespaces(self) -> Mapping[str, str]:
        return {name: f"ns-{name}" for name in self.spaces}

    def services(self, namespace: str) -> Mapping[ServiceName, str | None]:
        return {name: self.workshops.get(name) for name in self.registered if name.namespace == namespace}

    def create(self, service: ServiceName, workshop: str) -> None:
        if service.namespace not in self.spaces:
            raise RemoteError(f"making the Cloud Map service {service}: there is no namespace {service.namespace}")
        if service not in self.registered:
            self.registered[service], self.workshops[service] = {}, workshop

    def delete(self, service: ServiceName) -> None:
        if self.registered.get(service):
            raise Conflict(f"deleting the Cloud Map service {service}: it has instances")
        self.registered.pop(service, None)
        self.workshops.pop(service, None)

    def instances(self, service: ServiceName) -> Mapping[str, Instance]:
        return dict(self.registered.get(service, {}))

    def register(self, service: ServiceName, instance_id: str, attributes: Mapping[str, str]) -> None:
        if service not in self.registered:
            raise RemoteError(f"there is no Cloud Map service {service}")
        self.calls.append(("register", service, instance_id))
        self.registered[service][instance_id] = Instance(dict(attributes))

    def set_health(self, service: ServiceName, instance_id: str, healthy: bool) -> None:
        there = self.registered.get(service, {})
        if instance_id in there:
            there[instance_id] = Instance(there[instance_id].attributes, healthy)

    def deregister(self, service: ServiceName, instance_id: str) -> None:
        self.calls.append(("deregister", service, instance_id))
        self.registered.get(service, {}).pop(instance_id, None)

    def discover(self, service: ServiceName) -> Mapping[str, Instance]:
        return self.instances(service)


@dataclass
class FakeImages:
    """Images by "repository:tag"; those of `tag` are in use."""

    digests: dict[str, str] = field(default_factory=dict)
    registry: str = "123456789012.dkr.ecr.us-west-1.amazonaws.com"
    tag: str = "v1"

    def digest(self, repository: str) -> str | None:
        return self.digests.get(f"{repository}:{self.tag}")

    def reference(self, repository: str) -> str:
        return f"{self.registry}/{repository}:{self.tag}"


@dataclass
class FakeWorkshopRecords:
    """`current` by workshop and stage; `written` is the history, by workshop."""

    current: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    written: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def put_stage(self, workshop: str, run: str, stage: str, body: Mapping[str, Any], now: datetime) -> None:
        record = {**copy.deepcopy(dict(body)), "run": run, "stage": stage, "at": now.isoformat()}
        self.current.setdefault(workshop, {})[stage] = record
        self.written.setdefault(workshop, []).append(record)

    def stages(self, workshop: str) -> Mapping[str, Mapping[str, Any]]:
        return copy.deepcopy(self.current.get(workshop, {}))

    def history(self, workshop: str) -> Sequence[Mapping[str, Any]]:
        return sorted(copy.deepcopy(self.written.get(workshop, [])), key=lambda record: str(record["at"]))

    def forget(self, workshop: str) -> None:
        self.current.pop(workshop, None)


@dataclass
class FakeEvents:
    put_events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def put(self, kind: str, detail: Mapping[str, Any]) -> None:
        self.put_events.append((kind, copy.deepcopy(dict(detail))))


@dataclass
class FakePermissions:
    asked: list[str] = field(default_factory=lambda: ["create deployments"])
    lacking: list[str] = field(default_factory=list)

    def tried(self) -> Sequence[str]:
        return list(self.asked)

    def missing(self) -> Sequence[str]:
        return list(self.lacking)


@dataclass
class FakeTraces:
    """Traces with the time at which they began. A request enters a service with its first segment there."""

    kept: list[tuple[datetime, Trace]] = field(default_factory=list)

    def graph(self, start: datetime, end: datetime) -> ServiceGraph:
        services: dict[str, Traced] = {}
        edges: dict[tuple[str, str], Traced] = {}
        for trace in self._between(start, end):
            names = {segment.id: segment.service for segment in trace.segments}
            for segment in trace.segments:
                caller = names.get(str(segment.parent))
                if caller != segment.service:
                    _count(services, segment.service, segment.fault)
                    if caller:
                        _count(edges, (caller, segment.service), segment.fault)
        return ServiceGraph(services, edges)

    def find(self, services: Sequence[str], start: datetime, end: datetime, most: int = 5) -> Sequence[Trace]:
        seen = [({segment.service for segment in trace.segments}, trace) for trace in self._between(start, end)]
        return [trace for names, trace in seen if names >= set(services)][:most]

    def _between(self, start: datetime, end: datetime) -> list[Trace]:
        return [trace for at, trace in self.kept if start <= at < end]


def _count(counts: dict[Any, Traced], key: Any, fault: bool) -> None:
    before = counts.get(key, Traced(0, 0))
    counts[key] = Traced(before.requests + 1, before.faults + fault)


@dataclass
class FakeRouters:
    """The weights by `Target.key`; `smallest` is the least share above zero that the dialect can write."""

    routers: dict[str, RouterState] = field(default_factory=dict)
    smallest: float = 0.01
    version: int = 0

    def read(self, target: Target) -> RouterState:
        if target.key not in self.routers:
            raise NotThere(f"reading the router {target.key}: it is not there")
        return self.routers[target.key]

    def write(self, target: Target, share: float, expected_version: str) -> RouterState:
        if self.read(target).version != expected_version:
            raise Conflict(f"the router {target.key} changed since it was read")
        return self.set(target, share)

    def withdraw(self, target: Target) -> None:
        if target.key in self.routers and self.read(target).share:
            self.set(target, 0.0)

    def set(self, target: Target, share: float, manager: str = "canario") -> RouterState:
        """Write without compare-and-set, as somebody else would."""
        self.version += 1
        canary = round(share / self.smallest) or (1 if share else 0)
        weights = {target.baseline: round(1 / self.smallest) - canary, target.canary: canary}
        state = RouterState(canary * self.smallest, weights, str(self.version), manager)
        self.routers[target.key] = state
        return state


@dataclass
class FakeDataPlane:
    proxies: list[ProxyShare] = field(default_factory=list)

    def shares(self, target: Target) -> Sequence[ProxyShare]:
        return list(self.proxies)


@dataclass
class FakeMetrics:
    """Each node's windows; those without counts are simply not there."""

    nodes: dict[str, list[NodeCounts]] = field(default_factory=dict)

    def read(
        self,
        target: Target,
        node: str,
        start: datetime,
        end: datetime,
        window_seconds: int,
        edges: Sequence[float],
    ) -> Sequence[NodeCounts]:
        last = end - timedelta(seconds=window_seconds)
        return [counts for counts in self.nodes.get(node, []) if start <= counts.start <= last]

    def read_many(self, wanted: Sequence[Wanted]) -> Sequence[Sequence[NodeCounts]]:
        return [
            self.read(each.target, each.node, each.start, each.end, each.window_seconds, each.edges) for each in wanted
        ]

    def read_together(self, wanted: Sequence[Wanted]) -> Readings:
        return Readings(tuple(self.read_many(wanted)), calls=1 if wanted else 0, series=len(wanted))


@dataclass
class FakeRolloutRecords:
    """`locks`: which rollout holds a router, by `Target.key`. `written`: entries by rollout, sequence."""

    locks: dict[str, str] = field(default_factory=dict)
    written: dict[str, dict[int, Mapping[str, Any]]] = field(default_factory=dict)
    owners: dict[str, Lock] = field(default_factory=dict)
    routers: dict[str, Steered] = field(default_factory=dict)
    told: dict[str, list[Instruction]] = field(default_factory=dict)

    def lock(self, target: Target, rollout: str, owner: str, now: datetime) -> None:
        self.owners.setdefault(target.key, Lock(rollout, owner, now))
        if self.locks.setdefault(target.key, rollout) != rollout:
            raise AlreadyRunning(f"the router {target.key} has the rollout {self.locks[target.key]} already")

    def unlock(self, target: Target, rollout: str) -> None:
        if self.locks.get(target.key) == rollout:
            del self.locks[target.key]
            self.owners.pop(target.key, None)

    def holder(self, target: Target) -> Lock | None:
        rollout = self.locks.get(target.key)
        return self.owners.get(target.key, Lock(rollout, f"arn:{rollout}", NOW)) if rollout else None

    def steer(self, steered: Steered) -> None:
        self.routers[steered.target.key] = steered

    def settle(self, target: Target, rollout: str, outcome: str) -> None:
        found = self.routers.get(target.key)
        if found and found.rollout == rollout:
            self.routers[target.key] = replace(found, outcome=outcome)

    def steered(self) -> Sequence[Steered]:
        return list(self.routers.values())

    def instruct(self, rollout: str, instruction: Instruction) -> None:
        if instruction not in self.told.setdefault(rollout, []):
            self.told[rollout].append(instruction)

    def instructions(self, rollout: str) -> Sequence[Instruction]:
        return sorted(self.told.get(rollout, []), key=lambda each: each.at)

    def put(self, rollout: str, sequence: int, kind: str, body: Mapping[str, Any], now: datetime) -> None:
        entry = {**copy.deepcopy(dict(body)), "sequence": sequence, "kind": kind, "at": now.isoformat()}
        self.written.setdefault(rollout, {}).setdefault(sequence, entry)

    def entries(self, rollout: str) -> Sequence[Mapping[str, Any]]:
        return [copy.deepcopy(entry) for _, entry in sorted(self.written.get(rollout, {}).items())]


@dataclass
class FakeWaits:
    """The stages that wait, by workshop and stage."""

    waiting: dict[tuple[str, str], Waiting] = field(default_factory=dict)

    def put(self, workshop: str, stage: str, waiting: Waiting) -> None:
        self.waiting[workshop, stage] = waiting

    def get(self, workshop: str, stage: str) -> Waiting | None:
        return self.waiting.get((workshop, stage))

    def count(self, workshop: str, stage: str) -> int:
        if (workshop, stage) not in self.waiting:
            raise NotWaiting(f"stage {stage} of the workshop {workshop} went on meanwhile")
        found = self.waiting[workshop, stage]
        self.waiting[workshop, stage] = replace(found, attempts=found.attempts + 1)
        return found.attempts + 1

    def delete(self, workshop: str, stage: str) -> None:
        self.waiting.pop((workshop, stage), None)


@dataclass
class FakeTasks:
    """`open`: the tokens that a task waits for; what became of the others is in `ended`."""

    open: set[str] = field(default_factory=set)
    ended: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    heartbeats: list[str] = field(default_factory=list)

    def succeed(self, token: str, output: Mapping[str, Any]) -> None:
        self._end(token, dict(output))

    def fail(self, token: str, error: str, cause: str) -> None:
        self._end(token, {"error": error, "cause": cause})

    def heartbeat(self, token: str) -> None:
        self._known(token)
        self.heartbeats.append(token)

    def _end(self, token: str, how: Mapping[str, Any]) -> None:
        self._known(token)
        self.open.discard(token)
        self.ended[token] = how

    def _known(self, token: str) -> None:
        if token not in self.open:
            raise NotWaiting("the execution does not wait for this stage any more")


def fake_ports(
    objects: Iterable[Manifest] = (), dialects: tuple[str, ...] = ("appmesh",), now: datetime = NOW
) -> Ports:
    """Every port of a stage, in memory; reach each fake by its field."""
    return Ports(
        kubernetes=FakeKubernetes(*objects),
        http=FakeHttp(),
        zone=FakeZone(),
        cloud_map=FakeCloudMap(),
        images=FakeImages(),
        records=FakeWorkshopRecords(),
        lifetimes=FakeLifetimes(),
        events=FakeEvents(),
        permissions=FakePermissions(),
        traces=FakeTraces(),
        rollouts=FakeRolloutRecords(),
        routers=FakeRouters(),
        data_plane=FakeDataPlane(),
        metrics=FakeMetrics(),
        certificates=FakeCertificates(),
        tls=FakeTls(),
        now=now,
        dialects=dialects,
    )
