"""`canario migrate --verify`, on real Envoys: what went through is answered the same, what was lost is not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

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
    """


@pytest.mark.parametrize(
    ("header", "status", "said"),
    [
        pytest.param("{name: beta, match: {prefix: yes-}}", 0, "0 differently", id="nothing lost"),
        pytest.param("{name: beta, invert: true, match: {exact: no}}", 1, "(route beta)", id="a negated header lost"),
    ],
)
def test_both_are_asked_the_same(
    header: str, status: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each service's and each gateway's routes are asked of an Envoy with either mesh; a difference is named."""
    (tmp_path / "mesh.yaml").write_text(dedent(MESH).replace("HEADER", header))

    assert status == main([str(tmp_path)])
    assert said in capsys.readouterr().err


def test_what_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A place that is not there is status 2, with its name."""

    assert 2 == main([str(tmp_path / "nowhere")])
    assert "nowhere" in capsys.readouterr().err
