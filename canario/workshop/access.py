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
        "nodes": "list",
        "pods": "list",
        "services": "list",
        "namespaces": "get",
        "subjectaccessreviews.authorization.k8s.io": "create",
    },
    "stage_baseline": {
        "namespaces": "create delete get patch",
        _DEPLOYMENTS: "create delete get patch",
        "services": "create delete get patch",
        "pods": "list",
    },
    "stage_controller": {"namespaces": "get list", _DEPLOYMENTS: "get", _CRDS: "list", _WEBHOOKS: "list"},
    "stage_mesh": {"namespaces": "get patch", _DEPLOYMENTS: "get patch", "services": "get", "pods": "list"},
    "stage_tracing": {"namespaces": "get list", _DEPLOYMENTS: "get patch", "pods": "list"},
    "stage_discovery": {
        "namespaces": "get",
        _DEPLOYMENTS: "get patch",
        "services": "create delete get patch",
        "pods": "list",
    },
    "stage_gateway": {
        "namespaces": "get patch",
        _DEPLOYMENTS: "create delete get patch",
        "services": "create delete get patch",
        "pods": "list",
    },
    "stage_canary": {
        "namespaces": "get",
        _DEPLOYMENTS: "create delete get patch",
        "services": "create delete get patch",
        "pods": "list",
        "pods/proxy": "get",
    },
    "stage_mtls": {
        "namespaces": "get",
        _DEPLOYMENTS: "get patch",
        "pods": "list",
        "pods/proxy": "get",
        "secrets": "create delete get list patch",
    },
    "stage_clean": {
        "namespaces": "delete get list patch",
        _DEPLOYMENTS: "delete list",
        "services": "delete list",
        "serviceaccounts": "list",
        "configmaps": "list",
        "secrets": "delete list",
        "pods": "delete list",
        "leases.coordination.k8s.io": "get list",
        _CRDS: "list",
    },
    "expire": {"namespaces": "get patch"},
    "canary_observe": {"pods": "list"},
    "canary_decide": {"pods": "delete"},
    "canary_verify": {"pods": "list", "pods/proxy": "get"},
    "registrar": {"pods": "list"},
    "renew": {"namespaces": "list", "secrets": "create get patch"},
}

APP_MESH: Mapping[str, Verbs] = {
    "stage_controller": {
        "namespaces": "create delete patch",
        "serviceaccounts": "create patch",
        _DEPLOYMENTS: "create patch",
        _CRDS: "create delete patch",
        _WEBHOOKS: "delete",
        # The controller's own Role has rights that this function has not: it may hand them on, by that name alone.
        _ROLES: "create delete patch",
        f"{_ROLES}=appmesh-controller": "bind escalate",
        _BINDINGS: "create delete patch",
    },
    "stage_mesh": {
        _APP_MESH["mesh"]: "create delete get patch",
        _APP_MESH["node"]: "create delete get list patch",
        _APP_MESH["router"]: "create delete list patch",
        _APP_MESH["service"]: "create delete list patch",
        _APP_MESH["gateway"]: "list",
        _APP_MESH["gateway route"]: "list",
    },
    "stage_discovery": {_APP_MESH["node"]: "create get patch"},
    "stage_gateway": {
        _APP_MESH["gateway"]: "create delete get patch",
        _APP_MESH["gateway route"]: "create delete get patch",
    },
    "stage_canary": {
        _APP_MESH["node"]: "create delete get patch",
        _APP_MESH["router"]: "create get patch",
    },
    "stage_mtls": {
        "services": "get",
        _APP_MESH["node"]: "get update",
        _APP_MESH["gateway"]: "get update",
    },
    "stage_clean": {
        _ROLES: "delete",
        _BINDINGS: "delete",
        _CRDS: "delete",
        _WEBHOOKS: "delete list",
        _APP_MESH["mesh"]: "delete get list",
        _APP_MESH["node"]: "delete list",
        _APP_MESH["router"]: "delete get list",
        _APP_MESH["service"]: "delete list",
        _APP_MESH["gateway"]: "delete list",
        _APP_MESH["gateway route"]: "delete list",
    },
    "workshop_fail": {_APP_MESH["router"]: "get update"},
    "canary_begin": {_APP_MESH["router"]: "get", _APP_MESH["node"]: "get"},
    "canary_observe": {_APP_MESH["router"]: "get", _APP_MESH["node"]: "get"},
    "canary_shift": {_APP_MESH["router"]: "get update", _APP_MESH["node"]: "get"},
    "registrar": {_APP_MESH["node"]: "list"},
    "renew": {_APP_MESH["node"]: "get", _APP_MESH["gateway"]: "get"},
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

# Istio itself comes with the cluster, and is only looked at. Its objects' rules are those of the App Mesh objects in
# whose place they stand.
GATEWAY: Mapping[str, Verbs] = {
    "stage_controller": {"gatewayclasses.gateway.networking.k8s.io": "get"},
    "stage_mesh": {"services": "create delete list patch", **dict.fromkeys(_ISTIO, "create delete get list patch")},
    "stage_tracing": {_TELEMETRY: "create delete get patch", "pods/proxy": "get"},
    "stage_discovery": {"services": "list", _ROUTES: "get"},
    "stage_gateway": {_GATEWAYS: "create delete get patch", _ROUTES: "create delete get patch"},
    "stage_canary": {_ROUTES: "create get patch", _RULES: "create delete get patch"},
    "stage_mtls": {
        "services": "get list",
        "configmaps": "get",
        _PEERS: "create delete get patch",
        _RULES: "create delete get list patch",
        _GATEWAYS: "get patch",
    },
    "stage_clean": {"services": "get", **dict.fromkeys(_ISTIO, "delete get list")},
    "workshop_fail": {_ROUTES: "get update"},
    "canary_begin": {_ROUTES: "get", "services": "get"},
    "canary_observe": {_ROUTES: "get", "services": "get"},
    "canary_shift": {_ROUTES: "get update", "services": "get"},
    "registrar": {"services": "list"},
    "renew": {"services": "get list"},
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
