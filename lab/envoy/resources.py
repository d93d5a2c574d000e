"""Builders of Envoy's v3 resources as plain dicts. Durations are seconds; addresses are (IP, port)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.envoy.files import Resource, rds

Address = tuple[str, int]

_TYPE = "type.googleapis.com/envoy"
_ROUTER = f"{_TYPE}.extensions.filters.http.router.v3.Router"
_MANAGER = f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_STDOUT_LOG = f"{_TYPE}.extensions.access_loggers.stream.v3.StdoutAccessLog"

ACCESS_LOG_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" '
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
    '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" '
    "%UPSTREAM_CLUSTER_RAW%\n"
)

PROBE_AGENT = "kube-probe/"  # what the kubelet's user agent begins with
_NO_PROBE: Resource = {
    "name": "user-agent",
    "string_match": {"prefix": PROBE_AGENT},
    "invert_match": True,
    "treat_missing_header_as_empty": True,
}


def watched(directory: Path, name: str) -> Resource:
    """The config source of one file in an Envoy's directory."""
    return {"path_config_source": {"path": str(directory / name)}, "resource_api_version": "V3"}


def socket_address(address: Address) -> Resource:
    return {"socket_address": {"address": address[0], "port_value": address[1]}}


def seconds(value: float) -> str:
    """A duration as protobuf's JSON has it."""
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"


def load_assignment(cluster: str, endpoints: Iterable[Address]) -> Resource:
    """A cluster's endpoints. None is valid: requests get 503."""
    hosts = [{"endpoint": {"address": socket_address(address)}} for address in endpoints]
    return {
        "@type": f"{_TYPE}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster,
        "endpoints": [{"lb_endpoints": hosts}] if hosts else [],
    }


def static_cluster(name: str, endpoints: Iterable[Address], **fields: Any) -> Resource:
    """A cluster whose endpoints are part of it. When they change Envoy builds it anew (`aggregate.counted_cluster`)."""
    assignment = {key: value for key, value in load_assignment(name, endpoints).items() if key != "@type"}
    return _cluster(name, {"type": "STATIC", "load_assignment": assignment, **fields})


def _cluster(name: str, fields: Mapping[str, Any]) -> Resource:
    return {
        "@type": f"{_TYPE}.config.cluster.v3.Cluster",
        "name": name,
        "alt_stat_name": name,
        "connect_timeout": seconds(1),
        "lb_policy": "ROUND_ROBIN",
        **fields,
    }


def virtual_host(name: str, domains: Sequence[str], routes: Sequence[Resource], **fields: Any) -> Resource:
    return {"name": name, "domains": list(domains), "routes": list(routes), **fields}


def route(match: Resource, action: Resource, **fields: Any) -> Resource:
    """One route: `match` is a RouteMatch, `action` a RouteAction (`weighted_clusters(…)`)."""
    return {"match": match, "route": action, **fields}


def weighted_clusters(weights: Sequence[tuple[str, int]], **fields: Any) -> Resource:
    """A RouteAction over (cluster, weight) pairs, in their order. Not all weights may be 0."""
    clusters = [{"name": name, "weight": weight} for name, weight in weights]
    return {"weighted_clusters": {"clusters": clusters}, **fields}


def answer(status: int, body: str, match: Resource | None = None) -> Resource:
    """A route that Envoy answers itself."""
    return {
        "match": match or {"prefix": "/"},
        "direct_response": {"status": status, "body": {"inline_string": body}},
    }


def route_configuration(name: str, virtual_hosts: Sequence[Resource], **fields: Any) -> Resource:
    return {
        "@type": f"{_TYPE}.config.route.v3.RouteConfiguration",
        "name": name,
        "virtual_hosts": list(virtual_hosts),
        **fields,
    }


def http_listener(
    name: str,
    address: Address,
    directory: Path,
    *,
    routes: Resource | None = None,
    visible: bool = True,
    log: bool = True,
    **fields: Any,
) -> Resource:
    """An HTTP listener (HTTP proxy requests too). Its routes are `routes`, or the watched file `files.rds(name)`.

    `name` is also its route configuration's and its counters' (`http.<name>.downstream_rq_total`). `visible`
    says whether answers carry `server: envoy` and `x-envoy-upstream-service-time`. `log` writes a line a
    request to standard output. `fields` are further ones of HttpConnectionManager.
    """
    manager = {
        "@type": _MANAGER,
        "stat_prefix": name,
        **_routes(name, directory, routes),
        "http_filters": [router_filter(visible=visible)],
        "server_header_transformation": "OVERWRITE" if visible else "PASS_THROUGH",
        **({"access_log": [stdout_log()]} if log else {}),
        **fields,
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return listener(name, address, [chain])


def _routes(name: str, directory: Path, routes: Resource | None) -> Resource:
    if routes is None:
        return {"rds": {"config_source": watched(directory, rds(name)), "route_config_name": name}}
    # Envoy may read the listeners' file before the clusters' that was written first. It would refuse the listener
    # for good because of a cluster that it does not know yet.
    inline = {key: value for key, value in routes.items() if key != "@type"}
    return {"route_config": {**inline, "validate_clusters": False}}


def listener(name: str, address: Address, filter_chains: Sequence[Resource]) -> Resource:
    return {
        "@type": f"{_TYPE}.config.listener.v3.Listener",
        "name": name,
        "address": socket_address(address),
        "filter_chains": list(filter_chains),
    }


def router_filter(*, visible: bool = True) -> Resource:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": _ROUTER, "suppress_envoy_headers": not visible},
    }


def stdout_log() -> Resource:
    """A line a request, but for the kubelet's probes, to descriptor 1.

    The path `/dev/stdout` would be opened anew, and overwrite what others write to the same file.
    """
    log_format = {"text_format_source": {"inline_string": ACCESS_LOG_FORMAT}}
    return {
        "name": "envoy.access_loggers.stdout",
        "filter": {"header_filter": {"header": _NO_PROBE}},
        "typed_config": {"@type": _STDOUT_LOG, "log_format": log_format},
    }
