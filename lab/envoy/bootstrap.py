"""What an Envoy reads once, when it starts."""

import json
from pathlib import Path

from canario.mesh.istio_dump import ADMINISTRATION, NAME, filter_chain
from lab.envoy.files import Resource
from lab.envoy.resources import (
    Address,
    config_server,
    listener,
    seconds,
    served,
    socket_address,
    static_cluster,
)

# Edges in milliseconds of every histogram of answer times; a plan's latency edges can only be among them.
LATENCY_EDGES = (
    *(1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750),
    *(1000, 1500, 2000, 2500, 3000, 4000, 5000, 7500, 10000),
)

# One more bucket, for all that took longer: only with it do the buckets tell how many there were in all.
_BEYOND = 3_600_000

# Histograms reach the admin's answers only when they are merged; counters are always current.
_MERGE_SECONDS = 0.25
_MAX_CONNECTIONS = 10_000
_LOOPBACK = "127.0.0.0/8"  # where the lab's API server is


def bootstrap(node_id: str, admin: Address, *, dump_port: int | None = None, cluster: str = "canario") -> Resource:
    """An Envoy that asks for all else at the socket in the directory that it runs in.

    `dump_port`: where it shows what it has in force beside its administration, as Istio's proxies do on AWS.
    """
    return {
        "node": {"id": node_id, "cluster": cluster},
        "admin": {"address": socket_address(admin)},
        "dynamic_resources": {
            "lds_config": served(),
            "cds_config": served(),
        },
        "static_resources": _static(admin, dump_port),
        "stats_flush_interval": seconds(_MERGE_SECONDS),
        "stats_config": {
            "histogram_bucket_settings": [
                {
                    "match": {"suffix": "upstream_rq_time"},
                    "buckets": [float(edge) for edge in (*LATENCY_EDGES, _BEYOND)],
                }
            ]
        },
        "overload_manager": {"resource_monitors": [_connection_limit()]},
    }


def _static(admin: Address, dump_port: int | None) -> Resource:
    if dump_port is None:
        return {"clusters": [config_server()]}
    administration = static_cluster(ADMINISTRATION, [admin])
    shown = listener(NAME, (admin[0], dump_port), [filter_chain(ADMINISTRATION, [_LOOPBACK])])
    return {"clusters": [config_server(), _untyped(administration)], "listeners": [_untyped(shown)]}


def _untyped(resource: Resource) -> Resource:
    return {key: value for key, value in resource.items() if key != "@type"}


def write_bootstrap(directory: Path, node_id: str, admin: Address, *, dump_port: int | None = None) -> Path:
    """Write `bootstrap.json` into the Envoy's directory and return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "bootstrap.json"
    path.write_text(json.dumps(bootstrap(node_id, admin, dump_port=dump_port), indent=1))
    return path


def _connection_limit() -> Resource:
    name = "envoy.resource_monitors.global_downstream_max_connections"
    kind = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    config = {"@type": f"type.googleapis.com/{kind}", "max_active_downstream_connections": _MAX_CONNECTIONS}
    return {"name": name, "typed_config": config}
