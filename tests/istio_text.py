"""Prometheus' text in the shape of an Istio proxy's `/stats/prometheus`: labels, order and names as Istio documents
them and as public recordings have them. No Istio has run here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

BUCKETS = (
    0.5,
    1,
    5,
    10,
    25,
    50,
    100,
    250,
    500,
    1000,
    2500,
    5000,
    10000,
    30000,
    60000,
    300000,
    600000,
    1800000,
    3600000,
)


@dataclass(frozen=True)
class Series:
    """Requests that ended alike. `times` are their milliseconds."""

    callee: str
    code: int = 200
    flags: str = "-"
    times: Sequence[float] = (3.0,)
    reporter: str = "source"
    namespace: str = "ns"
    workload: str = ""

    @property
    def labels(self) -> str:
        workload = self.workload or self.callee
        named = {
            "reporter": self.reporter,
            "source_workload": "frontend-app",
            "source_canonical_service": "frontend-app",
            "source_canonical_revision": "latest",
            "source_workload_namespace": self.namespace,
            "source_principal": f"spiffe://cluster.local/ns/{self.namespace}/sa/default",
            "source_app": "frontend-app",
            "source_version": "",
            "source_cluster": "Kubernetes",
            "destination_workload": workload,
            "destination_workload_namespace": self.namespace,
            "destination_principal": "unknown",
            "destination_app": workload,
            "destination_version": "",
            "destination_service": f"{self.callee}.{self.namespace}.svc.cluster.local",
            "destination_canonical_service": workload,
            "destination_canonical_revision": "latest",
            "destination_service_name": self.callee,
            "destination_service_namespace": self.namespace,
            "destination_cluster": "Kubernetes",
            "request_protocol": "http",
            "response_code": str(self.code),
            "grpc_response_status": "",
            "response_flags": self.flags,
            "connection_security_policy": "unknown",
        }
        return ",".join(f'{name}="{value}"' for name, value in named.items())


@dataclass
class IstioProxy:
    """A proxy that has been up for so many seconds."""

    uptime: int = 100
    series: list[Series] = field(default_factory=list)
    buckets: Sequence[float] = BUCKETS

    def text(self) -> str:
        return "\n".join([*_head(self.uptime), *_requests(self.series), *_times(self.series, self.buckets)]) + "\n"


def _head(uptime: int) -> list[str]:
    return [
        "# TYPE envoy_cluster_assignment_stale counter",
        'envoy_cluster_assignment_stale{cluster_name="xds-grpc"} 0',
        'envoy_cluster_upstream_rq_total{cluster_name="xds-grpc"} 7',
        "# TYPE envoy_server_live gauge",
        "envoy_server_live{} 1",
        "# TYPE envoy_server_uptime gauge",
        f"envoy_server_uptime{{}} {uptime}",
    ]


def _requests(series: Iterable[Series]) -> list[str]:
    lines = [f"istio_requests_total{{{each.labels}}} {len(each.times)}" for each in series]
    return ["# TYPE istio_requests_total counter", *lines] if lines else []


def _times(series: Iterable[Series], buckets: Sequence[float]) -> list[str]:
    name = "istio_request_duration_milliseconds"
    lines = []
    for each in series:
        for edge in buckets:
            below = sum(time <= edge for time in each.times)
            lines.append(f'{name}_bucket{{{each.labels},le="{edge:g}"}} {below}')
        lines.append(f'{name}_bucket{{{each.labels},le="+Inf"}} {len(each.times)}')
        lines.append(f"{name}_sum{{{each.labels}}} {sum(each.times)}")
        lines.append(f"{name}_count{{{each.labels}}} {len(each.times)}")
    return [f"# TYPE {name} histogram", *lines] if lines else []
