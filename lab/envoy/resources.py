"""Builders of Envoy's v3 resources as plain dicts. Durations are seconds; addresses are (IP, port)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.envoy.files import Resource

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

PROBING_AGENTS = "(kube-probe/|Envoy/HC).*"  # the kubelet's, and of Envoys that ask after an endpoint's health
_NO_PROBE: Resource = {
    "name": "user-agent",
    "string_match": {"safe_regex": {"regex": PROBING_AGENTS}},
    "invert_match": True,
    "treat_missing_header_as_empty": True,
}


CONFIG_SERVER = "config-server"  # the cluster that every Envoy asks, by the bootstrap
CONFIG_SERVER_SOCKET = "config.sock"  # in the Envoy's directory, which is where it runs
LONGEST_POLL_SECONDS = 120

_POLL_AGAIN_SECONDS = 0.02  # after an answer, once or twice as long


def served() -> Resource:
    """The config source of everything in an Envoy's directory (`lab/envoy/server.py`)."""
    source = {
        "api_type": "REST",
        "transport_api_version": "V3",
        "cluster_names": [CONFIG_SERVER],
        "refresh_delay": seconds(_POLL_AGAIN_SECONDS),
        "request_timeout": seconds(LONGEST_POLL_SECONDS),
    }
    return {"api_config_source": source, "resource_api_version": "V3"}


def config_server() -> Resource:
    """The cluster that `served` names."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": CONFIG_SERVER_SOCKET}}}}
    return {
        "name": CONFIG_SERVER,
        "type": "STATIC",
        "connect_timeout": seconds(1),
        "load_assignment": {"cluster_name": CONFIG_SERVER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


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
    *,
    routes: Resource | None = None,
    visible: bool = True,
    log: bool = True,
    **fields: Any,
) -> Resource:
    """An HTTP listener (HTTP proxy requests too). Its routes are `routes`, or the file `files.rds(name)`.

    `name` is also its route configuration's and its counters' (`http.<name>.downstream_rq_total`). `visible`
    says whether answers carry `server: envoy` and `x-envoy-upstream-service-time`. `log` writes a line a
    request to standard output. `fields` are further ones of HttpConnectionManager.
    """
    manager = {
        "@type": _MANAGER,
        "stat_prefix": name,
        **_routes(name, routes),
        "http_filters": [router_filter(visible=visible)],
        "server_header_transformation": "OVERWRITE" if visible else "PASS_THROUGH",
        **({"access_log": [stdout_log()]} if log else {}),
        **fields,
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return listener(name, address, [chain])


def _routes(name: str, routes: Resource | None) -> Resource:
    if routes is None:
        return {"rds": {"config_source": served(), "route_config_name": name}}
    # Envoy would refuse the listener because of a cluster that it does not know, or no longer knows.
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
