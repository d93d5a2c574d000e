"""What a stage needs from the world: the shell implements these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its key, both PEM. The key is kept in a Secret of the cluster and nowhere else."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class CertificateFacts:
    """What a certificate says: its DNS names, how long it holds, and the SHA-256 that tells it from others."""

    names: tuple[str, ...]
    begins: datetime
    ends: datetime
    fingerprint: str


@dataclass(frozen=True)
class TlsAnswer:
    """How a connection ended: by an HTTP status, or refused (`status` is None, `refusal` is the reason in words).

    `fingerprint` is that of the certificate which the server showed, as in CertificateFacts; empty in plaintext.
    """

    status: int | None
    refusal: str = ""
    fingerprint: str = ""


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


class Certificates(Protocol):
    def authority(self, name: str, now: datetime, days: float) -> KeyPair:
        """A new certificate authority."""

    def issue(self, authority: KeyPair, names: Sequence[str], now: datetime, days: float) -> KeyPair:
        """A certificate for a server and a client of these DNS names; it ends with the authority's at the latest."""

    def read(self, certificate: str) -> CertificateFacts:
        """Raises InvalidInput for what is no certificate in PEM."""

    def is_issued_by(self, certificate: str, authority: str) -> bool:
        """Whether the authority's key signed it."""


class Tls(Protocol):
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
        """GET by a connection of its own, straight to the address; by TLS where `trust` (PEM) is given.

        The server must prove to be `host`. `identity` is shown when it asks. Raises RemoteError when nobody
        answers at all, or the server does not prove to be who it should.
        """


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


@dataclass(frozen=True)
class Lifetime:
    """Until when a workshop may live, and which execution of it began last."""

    workshop: str
    mesh: str  # the dialect
    run: str
    expires: datetime
    warned: bool = False
    expired: bool = False  # it is being cleaned, or was and is quarantined


class Lifetimes(Protocol):
    def get(self, workshop: str) -> Lifetime | None: ...

    def all(self) -> Sequence[Lifetime]:
        """Of every workshop that has begun and has not been cleaned; every page."""

    def put(self, lifetime: Lifetime, seen: Lifetime | None) -> None:
        """Write it by compare-and-set on what was read. Raises Conflict."""

    def delete(self, workshop: str) -> None:
        """Harmless when it is not there."""


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
    lifetimes: Lifetimes
    events: Events
    permissions: Permissions
    traces: Traces
    rollouts: RolloutRecords
    routers: Routers
    data_plane: DataPlane
    metrics: Metrics
    certificates: Certificates
    tls: Tls
    now: datetime
    dialects: tuple[str, ...]  # the mesh dialects that can work in this installation
