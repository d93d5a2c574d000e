"""Services that stand among the documents, and the names that nodes get."""

from __future__ import annotations

from tests.unit.cli.migrate.shop import SHOP
from tests.unit.mesh.schemas import refused


def test_a_service_that_is_there_is_kept(run) -> None:
    """A Service of a node's name is taken as it is, and what it lacks for the routes is said."""
    there = "apiVersion: v1\nkind: Service\nmetadata: {name: web-v1, namespace: shop}\nspec: {selector: {app: web}}\n"
    result = run(a=SHOP, b=there)

    assert 1 == sum(each["metadata"]["name"] == "web-v1" for each in result.manifests)
    (line,) = result.lines
    assert "in/b.yaml:4: lost: Service shop/web-v1: spec.ports: routes send to its port 8080" in line


NODE = """\
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  listeners: [{portMapping: {port: 8080, protocol: http}, outlierDetection: {maxServerErrors: 5, maxEjectionPercent: 50,
    interval: {unit: s, value: 10}, baseEjectionDuration: {unit: s, value: 10}}}]
  serviceDiscovery: {awsCloudMap: {namespaceName: shop.local, serviceName: api}}
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualService
metadata: {name: api, namespace: shop}
spec: {provider: {virtualNode: {virtualNodeRef: {name: api}}}}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: SPEC
"""


def test_a_service_without_the_nodes_pods_stays_a_name(run) -> None:
    """Calls of it go to a Service of the node's own: what App Mesh found by Cloud Map, that Service does not."""
    result = run(a=NODE.replace("SPEC", "{ports: [{port: 8080}]}"))
    (route,) = [each for each in result.manifests if each["kind"] == "HTTPRoute"]
    (own,) = [each for each in result.manifests if each["kind"] == "Service" and each["spec"].get("selector")]

    assert [] == [line for line in result.lines if ": lost: " in line]
    assert ("api-node", {"app": "api"}) == (own["metadata"]["name"], own["spec"]["selector"])
    assert ["api"] == [parent["name"] for parent in route["spec"]["parentRefs"]]
    assert ["api-node"] == [backend["name"] for backend in route["spec"]["rules"][0]["backendRefs"]]


def test_routes_go_by_the_services_own_port(run) -> None:
    """A Service that leads from another port to the node's is called, and given policies, at that port."""
    there = "apiVersion: v1\nkind: Service\nmetadata: {name: web-v1, namespace: shop}\n"
    ports = "spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080, name: http}]}\n"
    pool = "listeners: [{connectionPool: {http: {maxConnections: 5}}, portMapping"
    result = run(a=SHOP.replace("listeners: [{portMapping", pool, 1), b=there + ports)
    (route,) = [each for each in result.manifests if each["kind"] == "HTTPRoute"]
    (rule,) = [each for each in result.manifests if each["kind"] == "DestinationRule"]

    assert [] == [line for line in result.lines if ": lost: " in line]
    assert [80] == [backend["port"] for backend in route["spec"]["rules"][0]["backendRefs"]]
    assert [80] == [each["port"]["number"] for each in rule["spec"]["trafficPolicy"]["portLevelSettings"]]


def test_a_port_that_istio_takes_for_another_protocol_is_said(run) -> None:
    """gRPC behind a port called http would be spoken to in HTTP/1.1."""
    spec = "{selector: {app: api}, ports: [{port: 8080, name: http}]}"
    result = run(a=NODE.replace("SPEC", spec).replace("protocol: http", "protocol: grpc"))

    (line,) = [line for line in result.lines if ": lost: " in line]
    assert "lost: Service shop/api: spec.ports[0]: its port is called http, so Istio takes it for http, " in line
    assert line.endswith("set appProtocol: grpc")


def test_a_name_that_no_service_may_have_is_changed(run) -> None:
    """App Mesh's names may have dots; a Service's may not, and its clients go by the host."""
    result = run(a=NODE.partition("---")[2].partition("---")[0].replace("name: api,", "name: www.example.com,"))

    assert [] == [trouble for each in result.manifests for trouble in refused(each)]
    assert "www-example-com" in [each["metadata"]["name"] for each in result.manifests if each["kind"] == "Service"]
