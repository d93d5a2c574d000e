"""`canario migrate --verify`, on real Envoys: what went through is answered the same, what was lost is not."""

from __future__ import annotations

import io
import json
from textwrap import dedent

import pytest
import yaml

from lab.verify.__main__ import main

MESH = """\
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: Mesh
    metadata: {name: shop}
    spec: {}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualNode
    metadata: {name: old, namespace: shop}
    spec:
      podSelector: {matchLabels: {app: old}}
      listeners: [{portMapping: {port: 8080, protocol: http}}]
      serviceDiscovery: {dns: {hostname: web-old.shop.svc.cluster.local}}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualNode
    metadata: {name: new, namespace: shop}
    spec:
      podSelector: {matchLabels: {app: new}}
      listeners: [{portMapping: {port: 8080, protocol: http}}]
      serviceDiscovery: {dns: {hostname: web-new.shop.svc.cluster.local}}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualService
    metadata: {name: web, namespace: shop}
    spec:
      awsName: web.shop.svc.cluster.local
      provider: {virtualRouter: {virtualRouterRef: {name: web}}}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualGateway
    metadata: {name: gw, namespace: shop}
    spec: {listeners: [{portMapping: {port: 8088, protocol: http}}]}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: GatewayRoute
    metadata: {name: in, namespace: shop}
    spec:
      httpRoute:
        match: {prefix: /shop/}
        action: {target: {virtualService: {virtualServiceRef: {name: web}}}}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualRouter
    metadata: {name: web, namespace: shop}
    spec:
      listeners: [{portMapping: {port: 8080, protocol: http}}]
      routes:
        - name: beta
          priority: 1
          httpRoute:
            match: {prefix: /api, headers: [HEADER]}
            action: {weightedTargets: [{virtualNodeRef: {name: new}, weight: 1}]}
        - name: all
          priority: 2
          httpRoute:
            match: {prefix: /}
            action:
              weightedTargets:
                - {virtualNodeRef: {name: old}, weight: 99}
                - {virtualNodeRef: {name: new}, weight: 1}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualService
    metadata: {name: calls, namespace: shop}
    spec: {provider: {virtualRouter: {virtualRouterRef: {name: calls}}}}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualRouter
    metadata: {name: calls, namespace: shop}
    spec:
      listeners: [{portMapping: {port: 8080, protocol: grpc}}]
      routes:
        - name: get
          grpcRoute:
            match: {serviceName: shop.Shop, methodName: Get, metadata: [CALLED]}
            action: {weightedTargets: [{virtualNodeRef: {name: new}, weight: 1}]}
    """


@pytest.mark.parametrize(
    ("header", "called", "status", "said"),
    [
        pytest.param("{name: beta, match: {prefix: yes-}}", "{name: x}", 0, "0 differently", id="nothing lost"),
        pytest.param(
            "{name: beta, invert: true, match: {exact: out}}",
            "{name: x}",
            1,
            "(route beta)",
            id="a negated header lost",
        ),
        pytest.param(
            "{name: beta}",
            "{name: x, invert: true}",
            1,
            "App Mesh: shop/new POST /shop.Shop/Get; Istio: no node",
            id="a gRPC call lost",
        ),
    ],
)
def test_both_are_asked_the_same(
    header: str,
    called: str,
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each service's and each gateway's routes are asked of an Envoy with either mesh; a difference is named."""
    manifests = list(yaml.safe_load_all(dedent(MESH).replace("HEADER", header).replace("CALLED", called)))
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(manifests)))

    assert status == main(["default"])
    assert said in capsys.readouterr().err


def test_what_cannot_be_read_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no JSON is status 2, with what it was."""
    monkeypatch.setattr("sys.stdin", io.StringIO("kind: Mesh"))

    assert 2 == main(["default"])
    assert "standard input: 'kind: Mesh' is not allowed" in capsys.readouterr().err
