"""TLS through a load balancer: it takes no part in it and passes the bytes on, as an NLB does. Pure."""

from __future__ import annotations

from lab.envoy.files import Resource

_INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
_TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
_ATTEMPTS = 4  # to connect, each at another backend


def passing_tls(listener: Resource, cluster: str) -> Resource:
    """The listener, which has one filter chain for plaintext; what speaks TLS goes to a backend as it comes.

    Plaintext stays balanced by the request, TLS is by the connection.
    """
    (plain,) = listener["filter_chains"]
    proxy = {
        "@type": _TCP_PROXY,
        "stat_prefix": f"tls.{cluster}",
        "cluster": cluster,
        "max_connect_attempts": _ATTEMPTS,
    }
    secret = {
        "name": "tls",
        "filter_chain_match": {"transport_protocol": "tls"},
        "filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}],
    }
    inspector = {"name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": _INSPECTOR}}
    chains = [secret, {**plain, "name": "plaintext"}]
    return {**listener, "listener_filters": [inspector], "filter_chains": chains}
