"""What a stage needs from the world: the shell implements these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from canario.canary.ports import DataPlane, Metrics, Routers
from canario.canary.ports import Records as RolloutRecords
from canario.workshop.cloud_map import CloudMap

Manifest = dict[str, Any]  # a Kubernetes object, as JSON has it


@dataclass(frozen=True)
class Kind:
    """A Kubernetes kind, as manifests name it: `Kind("apps/v1", "Deployment")`."""

    api_version: str
    name: str
    plural: str
    namespaced: bool = True


@dataclass(frozen=True)
class Answer:
    """What an HTTP GET brought. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


class Kubernetes(Protocol):
    def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply with field manager `canario`, taking ownership of what it names."""

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Manifest | None:
        """None when it is not there (nor its kind)."""

    def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        """All of them, every page; all namespaces when `namespace` is None; empty when the kind is not served."""

    def patch(self, kind: Kind, name: str, namespace: str | None, patch: Manifest) -> Manifest:
        """JSON merge patch."""

    def replace(self, manifest: Manifest) -> Manifest:
        """Write the whole object by compare-and-set on its `metadata.resourceVersion`. Raises Conflict."""

    def delete(self, kind: Kind, name: str, namespace: str | None = None) -> None:
        """Delete in the background; harmless when it is not there."""

    def proxy(self, namespace: str, pod: str, port: int, path: str) -> Answer:
        """GET a pod's own HTTP port through the API server (`pods/proxy`). Raises RemoteError."""


class Http(Protocol):
    def get(self, url: str, timeout_seconds: float = 5.0) -> Answer:
        """GET as a client in the VPC would. Raises RemoteError when there is no answer."""


class Zone(Protocol):
    """The private Route 53 zone of the workshops."""

    def upsert(self, name: str, target: str) -> None:
        """Make `name` a CNAME of `target`. Harmless when it is that already."""

    def delete(self, name: str) -> None: ...

    def records(self) -> Mapping[str, str]:
        """name → target of every CNAME in the zone, without trailing dots."""


class Images(Protocol):
    def digest(self, repository: str, tag: str) -> str | None:
        """The image's digest; None when the repository or the tag is not there."""

    def reference(self, repository: str, tag: str) -> str:
        """What a pod's `image` says to run it."""


class Records(Protocol):
    def put_stage(self, workshop: str, run: str, stage: str, body: Mapping[str, Any], now: datetime) -> None: ...

    def stages(self, workshop: str) -> Mapping[str, Mapping[str, Any]]:
        """The current record of each stage of the workshop; empty after `forget`."""

    def history(self, workshop: str) -> Sequence[Mapping[str, Any]]:
        """Every stage record ever written, in order of time."""

    def forget(self, workshop: str) -> None:
        """Let the workshop start afresh; its history stays."""


class Events(Protocol):
    def put(self, kind: str, detail: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Traced:
    """Requests that were traced, and those of them that the service itself failed (5xx)."""

    requests: int
    faults: int


@dataclass(frozen=True)
class ServiceGraph:
    """Who was asked, and who asked whom (caller, callee), by the names of their segments."""

    services: Mapping[str, Traced]
    edges: Mapping[tuple[str, str], Traced]


@dataclass(frozen=True)
class Segment:
    """One service's part in a trace; `parent` is the id of the segment that caused it."""

    id: str
    parent: str | None
    service: str
    fault: bool


@dataclass(frozen=True)
class Trace:
    id: str
    segments: tuple[Segment, ...]


class Traces(Protocol):
    """What requests were traced. It is sampled: counts are no rates, and no data is no evidence."""

    def graph(self, start: datetime, end: datetime) -> ServiceGraph:
        """The services and edges of [start, end), at most six hours. Raises RemoteError."""

    def find(self, services: Sequence[str], start: datetime, end: datetime, most: int = 5) -> Sequence[Trace]:
        """Some traces that pass through all these services. Raises RemoteError."""


class Permissions(Protocol):
    def tried(self) -> Sequence[str]:
        """What was asked for, in words: one entry a permission."""

    def missing(self) -> Sequence[str]:
        """What the caller may not do though a stage needs it, in words; empty when nothing is missing."""


@dataclass(frozen=True)
class Ports:
    """Everything a stage may reach, put together by one composition root."""

    kubernetes: Kubernetes
    http: Http
    zone: Zone
    cloud_map: CloudMap
    images: Images
    records: Records
    events: Events
    permissions: Permissions
    traces: Traces
    rollouts: RolloutRecords
    routers: Routers
    data_plane: DataPlane
    metrics: Metrics
    now: datetime
    dialects: tuple[str, ...]  # the mesh dialects that can work in this installation
