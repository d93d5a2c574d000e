"""The proxies of each dialect: the container that they are in, and where they say what they have in force.

The one home of both: the stages, the adapters, the stacks and the lab take them from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DUMP = "/config_dump"
CLUSTERS, LISTENERS, ROUTES = RESOURCES = ("dynamic_active_clusters", "dynamic_listeners", "dynamic_route_configs")


@dataclass(frozen=True)
class Proxy:
    """`port`: at the pod's address, where GET `dump_of(resource)` is answered. `advice`: where nobody does."""

    container: str
    port: int
    advice: str = ""


APP_MESH = Proxy("envoy", 9901)  # Envoy's own administration
ISTIO = Proxy(
    "istio-proxy", 15099, "the EnvoyFilter canario-config-dump makes Istio's proxies answer there: docs/aws.md"
)
PROXIES: Mapping[str, Proxy] = {"appmesh": APP_MESH, "gateway": ISTIO}


def dump_of(resource: str) -> str:
    """The path, with its query, of what a proxy has in force of one of `RESOURCES`.

    Source: https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--config_dump
    """
    return f"{DUMP}?resource={resource}"
