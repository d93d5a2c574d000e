"""What each function may do in a cluster: the one table that Roles are made from and that preflight asks about.

A function's key is its module in `lambdas`; a stage's is `stage_<id>`. What a function really asks for is derived from
the stages over fakes, and held against this page in tests/infrastructure/test_access.py: nothing is missing, and in
the dialects that the stages speak nothing is there for later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Verbs = Mapping[str, str]  # resource (`virtualnodes.appmesh.k8s.aws`; the core group has no dot) → verbs

_APP_MESH = {
    "mesh": "meshes.appmesh.k8s.aws",
    "node": "virtualnodes.appmesh.k8s.aws",
    "router": "virtualrouters.appmesh.k8s.aws",
    "service": "virtualservices.appmesh.k8s.aws",
    "gateway": "virtualgateways.appmesh.k8s.aws",
    "gateway route": "gatewayroutes.appmesh.k8s.aws",
}
_CRDS = "customresourcedefinitions.apiextensions.k8s.io"
_WEBHOOKS = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
_ROLES, _BINDINGS = "clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io"
_DEPLOYMENTS = "deployments.apps"

# In every dialect.
ANY: Mapping[str, Verbs] = {
    "stage_preflight": {
        "namespaces": "get",
        "nodes": "list",
        "pods": "list",
        "services": "list",
        "subjectaccessreviews.authorization.k8s.io": "create",
    },
    "stage_baseline": {
        _DEPLOYMENTS: "create delete get patch",
        "namespaces": "create delete get patch",
        "pods": "list",
        "services": "create delete get patch",
    },
    "stage_controller": {
        _CRDS: "list",
        _DEPLOYMENTS: "get",
        _WEBHOOKS: "list",
        "namespaces": "get",
    },
    "stage_mesh": {
        _DEPLOYMENTS: "get patch",
        "namespaces": "get patch",
        "pods": "list",
        "services": "get",
    },
    "stage_tracing": {
        "namespaces": "get",
        "pods": "list",
    },
    "stage_discovery": {
        _DEPLOYMENTS: "get patch",
        "namespaces": "get",
        "pods": "list",
        "services": "create delete get patch",
    },
    "stage_gateway": {
        _DEPLOYMENTS: "create delete get patch",
        "namespaces": "get patch",
        "pods": "list",
        "services": "create delete get patch",
    },
    "stage_canary": {
        _DEPLOYMENTS: "create delete get patch",
        "namespaces": "get",
        "pods": "list",
        "pods/proxy": "get",
        "services": "create delete get patch",
    },
    "stage_mtls": {
        _DEPLOYMENTS: "get",
        "namespaces": "get",
        "pods": "list",
        "pods/proxy": "get",
        "services": "get",
    },
    "stage_clean": {
        _DEPLOYMENTS: "delete list",
        "leases.coordination.k8s.io": "get",
        "namespaces": "delete get list patch",
        "pods": "delete list",
        "services": "delete list",
    },
    "expire": {
        "namespaces": "get patch",
    },
    "canary_deploy": {
        _DEPLOYMENTS: "get patch",
    },
    "canary_verify": {
        "pods": "list",
        "pods/proxy": "get",
    },
    "registrar": {
        "pods": "list",
        "services": "list",
        _APP_MESH["node"]: "list",
    },
    "renew": {
        "namespaces": "list",
        "secrets": "get",
    },
    "canary_observe": {
        "pods": "list",
    },
    "canary_decide": {
        "pods": "delete",
    },
}

APP_MESH: Mapping[str, Verbs] = {
    "stage_controller": {
        _BINDINGS: "create delete patch",
        _CRDS: "create delete patch",
        _DEPLOYMENTS: "create patch",
        _ROLES: "create delete patch",
        _WEBHOOKS: "delete",
        # The controller's own Role has rights that this function has not: it may hand them on, by that name alone.
        f"{_ROLES}=appmesh-controller": "bind escalate",
        "namespaces": "create delete list patch",
        "serviceaccounts": "create patch",
    },
    "stage_mesh": {
        _APP_MESH["gateway route"]: "delete list",
        _APP_MESH["gateway"]: "delete list",
        _APP_MESH["mesh"]: "create delete get patch",
        _APP_MESH["node"]: "create delete get list patch",
        _APP_MESH["router"]: "create delete list patch",
        _APP_MESH["service"]: "create delete list patch",
    },
    "stage_tracing": {
        _DEPLOYMENTS: "get patch",
        "namespaces": "list",
    },
    "stage_discovery": {
        "pods/proxy": "get",
        _APP_MESH["node"]: "create get patch",
    },
    "stage_gateway": {
        _APP_MESH["gateway route"]: "create delete get patch",
        _APP_MESH["gateway"]: "create delete get patch",
    },
    "stage_canary": {
        _APP_MESH["node"]: "create delete get patch",
        _APP_MESH["router"]: "create get patch",
    },
    "stage_mtls": {
        _DEPLOYMENTS: "patch",
        "secrets": "create delete get list patch",
        _APP_MESH["gateway"]: "get update",
        _APP_MESH["node"]: "get update",
    },
    "stage_clean": {
        _BINDINGS: "delete",
        _CRDS: "delete list",
        _DEPLOYMENTS: "get",
        _ROLES: "delete",
        _WEBHOOKS: "delete list",
        _APP_MESH["gateway route"]: "delete list patch",
        _APP_MESH["gateway"]: "delete list patch",
        _APP_MESH["mesh"]: "delete get list patch",
        _APP_MESH["node"]: "delete list patch",
        _APP_MESH["router"]: "delete get list patch update",
        _APP_MESH["service"]: "delete list patch",
    },
    "workshop_fail": {
        _APP_MESH["router"]: "get update",
    },
    "canary_begin": {
        _APP_MESH["node"]: "get",
        _APP_MESH["router"]: "get",
    },
    "canary_observe": {
        _APP_MESH["node"]: "get",
        _APP_MESH["router"]: "get",
    },
    "canary_verify": {
        _APP_MESH["node"]: "get",
        _APP_MESH["router"]: "get",
    },
    "canary_shift": {
        _APP_MESH["node"]: "get",
        _APP_MESH["router"]: "get update",
    },
    "canary_start": {
        _APP_MESH["node"]: "get",
        _APP_MESH["router"]: "get",
    },
    "canary_instruct": {
        _APP_MESH["router"]: "get update",
    },
    "canary_alarm": {
        _APP_MESH["router"]: "get update",
    },
    "canary_watchdog": {
        _APP_MESH["node"]: "get",
        _APP_MESH["router"]: "get update",
    },
    "renew": {
        "secrets": "create patch",
        _APP_MESH["gateway"]: "get",
        _APP_MESH["node"]: "get",
    },
}

_ROUTES = "httproutes.gateway.networking.k8s.io"
_GATEWAYS = "gateways.gateway.networking.k8s.io"
_RULES = "destinationrules.networking.istio.io"
_PEERS = "peerauthentications.security.istio.io"
_TELEMETRY = "telemetries.telemetry.istio.io"
_ISTIO = (
    _ROUTES,
    _GATEWAYS,
    _RULES,
    _PEERS,
    _TELEMETRY,
    "grpcroutes.gateway.networking.k8s.io",
    "serviceentries.networking.istio.io",
    "sidecars.networking.istio.io",
)

# Istio itself comes with the cluster, and is only looked at.
GATEWAY: Mapping[str, Verbs] = {
    "stage_controller": {
        "gatewayclasses.gateway.networking.k8s.io": "get",
    },
    "stage_mesh": {
        **dict.fromkeys(_ISTIO, "delete list"),
        "serviceentries.networking.istio.io": "create delete list patch",
        "services": "create delete list patch",
        "sidecars.networking.istio.io": "create delete list patch",
        _ROUTES: "create delete list patch",
    },
    "stage_tracing": {
        "pods/proxy": "get",
        _TELEMETRY: "create delete patch",
    },
    "stage_gateway": {
        _GATEWAYS: "create delete get patch",
        _ROUTES: "create delete get patch",
    },
    "stage_canary": {
        _ROUTES: "create get patch",
    },
    "stage_mtls": {
        "configmaps": "get",
        _GATEWAYS: "get",
        _PEERS: "create delete get list patch",
    },
    "stage_clean": {
        **dict.fromkeys(_ISTIO, "delete list"),
        _ROUTES: "delete get list update",
    },
    "workshop_fail": {
        _ROUTES: "get list update",
    },
    "canary_begin": {
        "services": "get",
        _ROUTES: "get",
    },
    "canary_observe": {
        "services": "get",
        _ROUTES: "get",
    },
    "canary_verify": {
        "services": "get",
        _ROUTES: "get",
    },
    "canary_shift": {
        "services": "get",
        _ROUTES: "get list update",
    },
    "canary_start": {
        "services": "get",
        _ROUTES: "get",
    },
    "canary_instruct": {
        _ROUTES: "get list update",
    },
    "canary_alarm": {
        _ROUTES: "get list update",
    },
    "canary_watchdog": {
        "services": "get",
        _ROUTES: "get list update",
    },
}

DIALECTS: Mapping[str, Mapping[str, Verbs]] = {"appmesh": APP_MESH, "gateway": GATEWAY}


@dataclass(frozen=True, order=True)
class Rule:
    """Verbs on one resource, in every namespace; of one object where `name` is set."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    name: str = ""


def group_of(function: str) -> str:
    """The Kubernetes group that the function's access entry puts it in."""
    return f"canario:{function.replace('_', '-')}"


def functions(dialects: Sequence[str]) -> list[str]:
    """The functions that have anything to do in a cluster."""
    return sorted({*ANY, *(name for dialect in dialects for name in DIALECTS[dialect])})


def rules(function: str, dialects: Sequence[str]) -> list[Rule]:
    """What the function may do where these dialects work; empty when it has no business in the cluster."""
    verbs: dict[str, set[str]] = {}
    for table in (ANY, *(DIALECTS[dialect] for dialect in dialects)):
        for resource, words in table.get(function, {}).items():
            verbs.setdefault(resource, set()).update(words.split())
    return sorted(_rules(verbs))


def _rules(verbs: Mapping[str, set[str]]) -> Iterator[Rule]:
    for key, words in verbs.items():
        whole, _, name = key.partition("=")
        resource, _, group = whole.partition(".")
        yield Rule(group, resource, tuple(sorted(words)), name)
