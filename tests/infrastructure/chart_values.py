"""What the charts take, of what ours are told: each key's type, by the charts' own values, at the pinned versions.

Written down by hand, since the charts are on no package index. Sources, at https://github.com: istio/istio,
manifests/charts/base/values.yaml and manifests/charts/istio-control/istio-discovery/values.yaml (whatever is below
`pilot` is taken as if it were not, by zzy_descope_legacy.yaml; `meshConfig` is istio.mesh.v1alpha1.MeshConfig);
kubernetes-sigs/aws-load-balancer-controller, helm/aws-load-balancer-controller/values.yaml and
pkg/config/feature_gates.go, of which `GatewayListenerSet` is known from 3.2.2 on.
"""

from collections.abc import Iterator, Mapping
from typing import Any

REQUESTS = {"requests": {"cpu": str, "memory": str}}
BASE: Mapping[str, Any] = {"defaultRevision": str}
ISTIOD: Mapping[str, Any] = {
    "pilot": {"cni": {"enabled": bool}, "autoscaleMin": int, "resources": REQUESTS},
    "global": {"proxy": {"resources": REQUESTS}},
    "meshConfig": {
        "enableTracing": bool,
        "accessLogFile": str,
        "extensionProviders": [{"name": str, "opentelemetry": {"service": str, "port": int}}],
    },
}
GATES = ("ALBGatewayAPI", "NLBGatewayAPI", "GatewayListenerSet", "LBCapacityReservation")
LOAD_BALANCERS: Mapping[str, Any] = {
    "clusterName": str,
    "region": str,
    "vpcId": str,
    "serviceAccount": {"create": bool, "name": str},
    "enableShield": bool,
    "enableWaf": bool,
    "enableWafv2": bool,
    "controllerConfig": {"featureGates": dict.fromkeys(GATES, bool)},
    "defaultTags": {"canario": str},
}


def unknown(values: Any, known: Any, at: str = "") -> Iterator[str]:
    """What the chart does not have, or has as another type."""
    if isinstance(known, Mapping) and isinstance(values, Mapping):
        for key, value in values.items():
            if key in known:
                yield from unknown(value, known[key], f"{at}.{key}")
            else:
                yield f"{at}.{key}: there is no such key"
    elif isinstance(known, list) and isinstance(values, list):
        for number, value in enumerate(values):
            yield from unknown(value, known[0], f"{at}[{number}]")
    elif not isinstance(known, type) or type(values) is not known:
        yield f"{at}: {values!r} is not what it takes"
