"""Shares in the dialect `gateway`: HTTPRoutes over the fake cluster, and Istio's and the lab's proxies.

Istio's names are as its documentation has them (`istioctl proxy-config routes`); no Istio runs here to record them.
"""

import json
from typing import Any

import pytest

from canario.adapters.envoy_admin import GatewayDataPlane
from canario.adapters.routers import GatewayRouters
from canario.canary.ports import Target
from canario.errors import Conflict, Drift, RemoteError
from canario.mesh.proxies import ISTIO, ROUTES, dump_of
from canario.workshop.kinds import HTTP_ROUTE
from canario.workshop.ports import Answer, Manifest
from tests.fakes import FakeKubernetes

TARGET = Target("default", "gateway", "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")


def route(name: str, parent: str, *weights: tuple[str, int]) -> Manifest:
    backends = [{"kind": "Service", "name": node, "port": 3000, "weight": weight} for node, weight in weights]
    return {
        "apiVersion": HTTP_ROUTE.api_version,
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"parentRefs": [{"kind": parent, "name": "x"}], "rules": [{"backendRefs": backends}]},
    }


def service(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "ns"}, "spec": {}}


def cluster(*weights: tuple[str, int]) -> FakeKubernetes:
    """The router with these weights, a gateway's route to the baseline, and a route that is somebody else's."""
    return FakeKubernetes(
        service("nodejs-app"),
        service("nodejsv2-app"),
        route("nodejs-router", "Service", *weights),
        route("gateway-route-eks", "Gateway", ("nodejs-app", 1)),
        route("crystal-router", "Service", ("crystal-app", 1)),
    )


def weights(kubernetes: FakeKubernetes, name: str) -> dict[str, int]:
    found = kubernetes.get(HTTP_ROUTE, name, "ns") or {}
    return {each["name"]: each["weight"] for each in found["spec"]["rules"][0]["backendRefs"]}


def test_a_written_share_reads_back() -> None:
    """What `write` returns is what `read` then says, to a millionth."""
    routers = GatewayRouters(cluster(("nodejs-app", 1)))
    state = routers.write(TARGET, 0.015, routers.read(TARGET).version)

    assert (0.015, routers.read(TARGET)) == (state.share, state)


def test_the_gateways_route_follows_the_router_and_no_other() -> None:
    """Istio's gateways do not ask a service's own route; and a rollback takes both back."""
    kubernetes = cluster(("nodejs-app", 1))
    routers = GatewayRouters(kubernetes)
    routers.write(TARGET, 0.25, routers.read(TARGET).version)
    followed = weights(kubernetes, "gateway-route-eks")
    routers.withdraw(TARGET)

    assert {"nodejs-app": 750_000, "nodejsv2-app": 250_000} == followed
    assert (0, 0) == tuple(weights(kubernetes, name)["nodejsv2-app"] for name in ("nodejs-router", "gateway-route-eks"))
    assert {"crystal-app": 1} == weights(kubernetes, "crystal-router")


def test_a_follower_that_somebody_else_is_changing_follows_all_the_same() -> None:
    """Its other fields are not the rollout's: what was changed meanwhile stays, the share comes beside it."""
    kubernetes = cluster(("nodejs-app", 1))
    replace, changes = kubernetes.replace, ["ana"]

    def interrupted(manifest: Manifest) -> Manifest:
        if manifest["metadata"]["name"] == "gateway-route-eks" and changes:
            other = route("gateway-route-eks", "Gateway", ("nodejs-app", 1))
            other["metadata"]["labels"] = {"who": changes.pop()}
            kubernetes.put(other)
        return replace(manifest)

    kubernetes.replace = interrupted  # type: ignore[method-assign]
    routers = GatewayRouters(kubernetes)
    routers.write(TARGET, 0.25, routers.read(TARGET).version)

    assert {"nodejs-app": 750_000, "nodejsv2-app": 250_000} == weights(kubernetes, "gateway-route-eks")
    assert "ana" == (kubernetes.get(HTTP_ROUTE, "gateway-route-eks", "ns") or {})["metadata"]["labels"]["who"]


def test_write_at_an_old_version_is_a_conflict() -> None:
    """Somebody who wrote in between is not overwritten."""
    kubernetes = cluster(("nodejs-app", 1))
    routers = GatewayRouters(kubernetes)
    version = routers.read(TARGET).version
    kubernetes.put(route("nodejs-router", "Service", ("nodejs-app", 5)))

    with pytest.raises(Conflict, match=r"ns/nodejs-router is at version 6, no longer at 3"):
        routers.write(TARGET, 0.5, version)
    assert {"nodejs-app": 1} == weights(kubernetes, "gateway-route-eks")


def test_drift_names_the_writer() -> None:
    """Who last wrote the rules, by the object's managed fields."""
    found = route("nodejs-router", "Service", ("nodejs-app", 1), ("other", 1))
    rules = {"f:spec": {"f:rules": {}}}
    found["metadata"]["managedFields"] = [
        {"manager": "kubectl-edit", "time": "2026-11-02T12:00:00Z", "fieldsV1": rules}
    ]
    kubernetes = FakeKubernetes(service("nodejs-app"), service("nodejsv2-app"), found)

    with pytest.raises(Drift, match=r"kubectl-edit wrote it"):
        GatewayRouters(kubernetes).read(TARGET)


def test_a_missing_node_is_named() -> None:
    """A node is a Service."""
    kubernetes = FakeKubernetes(service("nodejs-app"), route("nodejs-router", "Service", ("nodejs-app", 1)))

    with pytest.raises(RemoteError, match="there is no Service nodejsv2-app in ns"):
        GatewayRouters(kubernetes).read(TARGET)


def towards(node: str, namespace: str = "ns") -> str:
    return f"outbound|3000||{node}.{namespace}.svc.cluster.local"


def host(name: str, *split: tuple[str, int]) -> dict[str, Any]:
    if len(split) == 1:
        action: dict[str, Any] = {"cluster": split[0][0]}
    else:
        action = {"weighted_clusters": {"clusters": [{"name": name, "weight": weight} for name, weight in split]}}
    return {"name": name, "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": action}]}


def share(container: str, **configurations: list[dict[str, Any]]) -> list[tuple[float | None, str]]:
    """What one pod's proxy with these route configurations is taken to do."""
    pod = {
        "kind": "Pod",
        "metadata": {"name": "frontend", "namespace": "ns"},
        "spec": {"initContainers": [{"name": container, "restartPolicy": "Always"}], "containers": [{"name": "app"}]},
        "status": {"phase": "Running"},
    }
    dumps = [{"route_config": {"name": name, "virtual_hosts": hosts}} for name, hosts in configurations.items()]
    kubernetes = FakeKubernetes(pod)
    kubernetes.answers["frontend", ISTIO.port, dump_of(ROUTES)] = Answer(200, {}, json.dumps({"configs": dumps}))
    return [(each.share, each.message) for each in GatewayDataPlane(kubernetes).shares(TARGET)]


def test_istios_sidecar_splits_at_the_services_host() -> None:
    """The hosts of the nodes themselves, the load balancer's and other namespaces' split nothing."""
    hosts = [
        host("nodejs.appmeshworkshop.hosted.local:3000", (towards("nodejs-app"), 75), (towards("nodejsv2-app"), 25)),
        host("nodejs.ns.svc.cluster.local:3000", (towards("nodejs-app"), 75), (towards("nodejsv2-app"), 25)),
        host("nodejs-app.ns.svc.cluster.local:3000", (towards("nodejs-app"), 1)),
        host("nodejsv2-app.ns.svc.cluster.local:3000", (towards("nodejsv2-app"), 1)),
        host("nodejs-app-service.ns.svc.cluster.local:3000", (towards("nodejs-app-service"), 1)),
        host("nodejs-app.other.svc.cluster.local:3000", (towards("nodejs-app", "other"), 1)),
    ]

    assert [(0.25, "nodejs-app 75, nodejsv2-app 25")] * 1 == [
        (share, message.split("; ")[0]) for share, message in share("istio-proxy", **{"3000": hosts})
    ]


def test_istio_leaves_out_what_gets_nothing() -> None:
    """A route with one backend left is a cluster, not a split."""
    hosts = [host("nodejs.ns.svc.cluster.local:3000", (towards("nodejsv2-app"), 1))]

    assert [(1.0, "nodejsv2-app 1")] == share("istio-proxy", **{"3000": hosts})


def test_istios_gateway_is_a_caller_too() -> None:
    """Its route configuration is its listener's; one that disagrees has no share."""
    agreeing = [host("*:8088", (towards("nodejs-app"), 9), (towards("nodejsv2-app"), 1))]
    lagging = [host("nodejs.ns.svc.cluster.local:3000", (towards("nodejs-app"), 1))]

    assert [0.1] == [found for found, _ in share("istio-proxy", **{"http.8088": agreeing})]
    assert [None] == [found for found, _ in share("istio-proxy", **{"http.8088": agreeing, "3000": lagging})]


def test_the_labs_envoys_are_read_as_in_app_mesh() -> None:
    """The same clusters, at Istio's port and in Istio's container."""
    ours = [host("ns/nodejs", ("egress/ns/nodejs/nodejs-app", 3), ("egress/ns/nodejs/nodejsv2-app", 1))]

    assert [(0.25, "nodejs-app 3, nodejsv2-app 1")] == share("istio-proxy", outbound=ours)
    assert [] == share("envoy", outbound=ours)
