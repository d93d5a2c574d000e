"""A small shop in App Mesh manifests, which the tests migrate."""

SHOP = """\
    # The shop.
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop  # all of it
      labels:
        mesh: shop
        appmesh.k8s.aws/sidecarInjectorWebhook: enabled
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: Mesh
    metadata: {name: shop}
    spec: {namespaceSelector: {matchLabels: {mesh: shop}}}
    ---
    # the only node
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualNode
    metadata: {name: web, namespace: shop}
    spec:
      podSelector: {matchLabels: {app: web}}
      listeners: [{portMapping: {port: 8080, protocol: http}}]  # as the pods do
      serviceDiscovery: {dns: {hostname: web-v1.shop.svc.cluster.local}}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualRouter
    metadata: {name: web, namespace: shop}
    spec:
      listeners: [{portMapping: {port: 8080, protocol: http}}]
      routes:
        - name: all
          httpRoute:
            match: {prefix: /}
            action: {weightedTargets: [{virtualNodeRef: {name: web}, weight: 1}]}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualService
    metadata: {name: web, namespace: shop}
    spec: {provider: {virtualRouter: {virtualRouterRef: {name: web}}}}
    """
SHOP_MESH = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata:\n  name: shop"
RETRIES = """\
            retryPolicy:
              maxRetries: 1
              perRetryTimeout: {unit: s, value: 1}
              httpRetryEvents: [server-error]
"""


def with_retries() -> str:
    """The shop with retries in its route."""
    at = "            action: {weightedTargets: [{virtualNodeRef: {name: web}, weight: 1}]}\n"
    return SHOP.replace(at, at + RETRIES)
