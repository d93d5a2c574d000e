"""A cluster whose counters outlive changes of its endpoints."""

from collections.abc import Iterable
from typing import Any

from lab.envoy.files import Resource
from lab.envoy.resources import Address, seconds, static_cluster

_KIND = "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig"


def counted_cluster(name: str, endpoints: Iterable[Address], **fields: Any) -> list[Resource]:
    """The cluster `name`, which routes name and which counts, and the one behind it, which has the endpoints.

    Envoy builds a static cluster anew when its endpoints change, and then forgets `upstream_rq_5xx` and
    `upstream_rq_time` (not `upstream_rq_completed`): the errors of a pod that just died would go uncounted.
    An aggregate cluster never changes, and the router counts in it. `fields` are the static cluster's; its circuit
    breakers are the other's too, which counts retries. Each endpoint is counted there by itself, as long as Envoy
    keeps the cluster (`lab/telemetry/reading.py`).
    """
    behind = f"endpoints/{name}"
    aggregate = {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name,
        "alt_stat_name": name,
        "connect_timeout": seconds(1),
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": {"@type": _KIND, "clusters": [behind]},
        },
        **{key: fields[key] for key in ("circuit_breakers",) if key in fields},
    }
    return [aggregate, static_cluster(behind, endpoints, track_cluster_stats={"per_endpoint_stats": True}, **fields)]
