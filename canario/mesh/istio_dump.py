"""What Istio's proxies have in force, shown at their pods' addresses: an EnvoyFilter, and what it has of Envoy's.

Istio binds Envoy's administration to the pod's loopback, where the API server's `pods/proxy` does not come. So each
proxy answers at a port of ours, and passes on one thing alone, GET /config_dump of what Canario reads, to the cluster
`prometheus_stats`, which Istio's bootstrap has for its own listener of statistics and which is Envoy's administration.

A sidecar takes every inbound connection at the listener `virtualInbound`, whatever its port was; a filter chain there
for our port has no TLS, so that mTLS, STRICT or not, is none of its business, and no port has to be left out of
interception. A gateway takes nothing that it does not listen for, so it gets a listener.

Sources: tools/packaging/common/envoy_bootstrap.json and pilot/pkg/networking/core/envoyfilter/listener_patch.go of
https://github.com/istio/istio; https://istio.io/latest/docs/reference/config/networking/envoy-filter/;
https://istio.io/latest/docs/ops/deployment/application-requirements/ (the ports that Istio uses itself).
"""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from canario.mesh.proxies import DUMP, ISTIO, RESOURCES

NAME = "canario-config-dump"
ROOT_NAMESPACE = "istio-system"  # an EnvoyFilter there is every namespace's
ADMINISTRATION = "prometheus_stats"
REFUSED = f"only GET {DUMP}?resource=… of {', '.join(RESOURCES)} is answered here\n"

_TYPE = "type.googleapis.com/envoy.extensions.filters"

Resource = dict[str, Any]


def envoy_filter(sources: Sequence[str]) -> Resource:
    """The object. `sources`: the CIDRs of the API servers, from which alone anybody is answered."""
    chain = filter_chain(ADMINISTRATION, sources)
    inbound = {**chain, "filter_chain_match": {"destination_port": ISTIO.port}}
    address = {"socket_address": {"address": "0.0.0.0", "port_value": ISTIO.port}}  # noqa: S104 - a pod's
    listener = {"name": NAME, "address": address, "filter_chains": [chain]}
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": NAME, "namespace": ROOT_NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "canario"}},
        "spec": {
            "configPatches": [
                _added("FILTER_CHAIN", inbound, context="SIDECAR_INBOUND", listener={"name": "virtualInbound"}),
                _added("LISTENER", listener, context="GATEWAY"),
            ]
        },
    }


def filter_chain(administration: str, sources: Sequence[str]) -> Resource:
    """Envoy's: what is answered, and to whom. `administration`: the cluster that is Envoy's own."""
    manager = {
        "@type": f"{_TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": NAME,
        "route_config": {"name": NAME, "virtual_hosts": [_host(administration)]},
        "http_filters": [_only_from(sources), _typed("http.router", "Router")],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"name": NAME, "filters": filters}


def _host(administration: str) -> Resource:
    asked = {"safe_regex": {"regex": "|".join(RESOURCES)}}
    match = {
        "path": DUMP,
        "headers": [{"name": ":method", "string_match": {"exact": "GET"}}],
        "query_parameters": [{"name": "resource", "string_match": asked}],
    }
    refused = {"status": 404, "body": {"inline_string": REFUSED}}
    return {
        "name": NAME,
        "domains": ["*"],
        "routes": [
            {"match": match, "route": {"cluster": administration}},
            {"match": {"prefix": "/"}, "direct_response": refused},
        ],
    }


def _only_from(sources: Sequence[str]) -> Resource:
    """403 to everybody else. Interception by REDIRECT and by TPROXY leaves the caller's address as it is."""
    networks = [ip_network(source) for source in sources]
    callers = [
        {"direct_remote_ip": {"address_prefix": str(each.network_address), "prefix_len": each.prefixlen}}
        for each in networks
    ]
    policy = {"permissions": [{"any": True}], "principals": callers}
    return _typed("http.rbac", "RBAC", rules={"action": "ALLOW", "policies": {"api-servers": policy}})


def _typed(kind: str, message: str, **fields: Any) -> Resource:
    return {"name": f"envoy.filters.{kind}", "typed_config": {"@type": f"{_TYPE}.{kind}.v3.{message}", **fields}}


def _added(apply_to: str, value: Resource, **match: Any) -> Resource:
    return {"applyTo": apply_to, "match": match, "patch": {"operation": "ADD", "value": value}}
