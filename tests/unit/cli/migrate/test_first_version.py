"""Objects of `appmesh.k8s.aws/v1beta1`."""

from __future__ import annotations

import pytest

from tests.unit.mesh.schemas import refused

OLD = """\
apiVersion: appmesh.k8s.aws/v1beta1
kind: Mesh
metadata: {name: old}
---
apiVersion: appmesh.k8s.aws/v1beta1
kind: VirtualNode
metadata: {name: web, namespace: shop}
spec:
  meshName: old
  listeners: [{portMapping: {port: 8080, protocol: http}}]
  serviceDiscovery: {dns: {hostName: web-v1.shop.svc.cluster.local}}
---
apiVersion: appmesh.k8s.aws/v1beta1
kind: VirtualNode
metadata: {name: front, namespace: front}
spec:
  meshName: old
  listeners: [{portMapping: {port: 8080, protocol: http}}]
  backends: [{virtualService: {virtualServiceName: web.shop.svc.cluster.local}}]
  serviceDiscovery: {dns: {hostName: front.front.svc.cluster.local}}
---
apiVersion: appmesh.k8s.aws/v1beta1
kind: VirtualService
metadata: {name: web.shop.svc.cluster.local, namespace: shop}
spec:
  meshName: old
  virtualRouter: {name: web-router, listeners: [{portMapping: {port: 8080, protocol: http}}]}
  routes:
    - name: all
      http:
        match: {prefix: /}
        action: {weightedTargets: [{virtualNodeName: web, weight: 1}]}
        retryPolicy: {maxRetries: 2, perRetryTimeoutMillis: 100, httpRetryEvents: [server-error]}
"""


def test_the_first_version_is_read(run) -> None:
    """v1beta1, whose services have their routes themselves, and whose nodes are found by Services alone."""
    result = run(a=OLD)
    (route,) = [each for each in result.manifests if each["kind"] == "HTTPRoute"]
    lost = [line.partition(": lost: ")[2].partition(": the standard")[0] for line in result.lines if ": lost: " in line]

    assert 0 == result.status
    assert [] == [trouble for each in result.manifests for trouble in refused(each)]
    assert ("web-router", ["web"]) == (
        route["metadata"]["name"],
        [parent["name"] for parent in route["spec"]["parentRefs"]],
    )
    assert ["web-v1"] == [backend["name"] for backend in route["spec"]["rules"][0]["backendRefs"]]
    assert "VirtualRouter shop/web-router: spec.routes[0].httpRoute.retryPolicy" in lost
    assert not any("which is not in mesh" in line for line in result.lines)


@pytest.mark.parametrize("broken", ["virtualNodeName: web, weight: 101", "virtualNodName: web, weight: 1"])
def test_a_broken_object_of_the_first_version_leaves_nothing(run, broken: str) -> None:
    """Neither the service nor the router that it would have become."""
    result = run(a=OLD.replace("virtualNodeName: web, weight: 1", broken))

    assert 1 == sum(": refused: VirtualService shop/web.shop.svc.cluster.local: " in line for line in result.lines)
    assert [] == [each for each in result.manifests if each["kind"] == "HTTPRoute"]
