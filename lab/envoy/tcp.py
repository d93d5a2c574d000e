"""A listener that passes bytes on."""

from typing import Any

from lab.envoy.files import Resource
from lab.envoy.resources import Address, listener, seconds

_TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def tcp_listener(name: str, address: Address, cluster: str, idle_ms: int | None = None, **fields: Any) -> Resource:
    """Every connection goes to the cluster. `name` is its counters' too (`tcp.<name>.…`).

    `idle_ms`: None for Envoy's own hour. `fields` are further ones of TcpProxy.
    """
    idle = {} if idle_ms is None else {"idle_timeout": seconds(idle_ms / 1000)}
    proxy = {"@type": _TCP_PROXY, "stat_prefix": name, "cluster": cluster, **idle, **fields}
    return listener(name, address, [{"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}])
