"""What an Envoy reads once, when it starts."""

import json
from pathlib import Path

from lab.envoy.files import Resource
from lab.envoy.resources import Address, config_server, seconds, served, socket_address

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


def bootstrap(node_id: str, admin: Address, *, cluster: str = "canario") -> Resource:
    """An Envoy that asks for all else at the socket in the directory that it runs in."""
    return {
        "node": {"id": node_id, "cluster": cluster},
        "admin": {"address": socket_address(admin)},
        "dynamic_resources": {
            "lds_config": served(),
            "cds_config": served(),
        },
        "static_resources": {"clusters": [config_server()]},
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


def write_bootstrap(directory: Path, node_id: str, admin: Address) -> Path:
    """Write `bootstrap.json` into the Envoy's directory and return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "bootstrap.json"
    path.write_text(json.dumps(bootstrap(node_id, admin), indent=1))
    return path


def _connection_limit() -> Resource:
    name = "envoy.resource_monitors.global_downstream_max_connections"
    kind = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    config = {"@type": f"type.googleapis.com/{kind}", "max_active_downstream_connections": _MAX_CONNECTIONS}
    return {"name": name, "typed_config": config}
