"""The Kubernetes kinds that the stages use."""

from canario.workshop.ports import Kind

NAMESPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
NODE = Kind("v1", "Node", "nodes", namespaced=False)
POD = Kind("v1", "Pod", "pods")
SERVICE = Kind("v1", "Service", "services")
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
SECRET = Kind("v1", "Secret", "secrets")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")
CLUSTER_ROLE = Kind("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING = Kind(
    "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)
MUTATING_WEBHOOK = Kind(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    namespaced=False,
)

APP_MESH = "appmesh.k8s.aws/v1beta2"
MESH = Kind(APP_MESH, "Mesh", "meshes", namespaced=False)
VIRTUAL_NODE = Kind(APP_MESH, "VirtualNode", "virtualnodes")
VIRTUAL_ROUTER = Kind(APP_MESH, "VirtualRouter", "virtualrouters")
VIRTUAL_SERVICE = Kind(APP_MESH, "VirtualService", "virtualservices")
VIRTUAL_GATEWAY = Kind(APP_MESH, "VirtualGateway", "virtualgateways")
GATEWAY_ROUTE = Kind(APP_MESH, "GatewayRoute", "gatewayroutes")
APP_MESH_KINDS = (GATEWAY_ROUTE, VIRTUAL_GATEWAY, VIRTUAL_SERVICE, VIRTUAL_ROUTER, VIRTUAL_NODE)

GATEWAY_API = "gateway.networking.k8s.io/v1"
GATEWAY_CLASS = Kind(GATEWAY_API, "GatewayClass", "gatewayclasses", namespaced=False)
GATEWAY = Kind(GATEWAY_API, "Gateway", "gateways")
HTTP_ROUTE = Kind(GATEWAY_API, "HTTPRoute", "httproutes")
GRPC_ROUTE = Kind(GATEWAY_API, "GRPCRoute", "grpcroutes")
TCP_ROUTE = Kind(GATEWAY_API, "TCPRoute", "tcproutes")
REFERENCE_GRANT = Kind(GATEWAY_API, "ReferenceGrant", "referencegrants")

PEER_AUTHENTICATION = Kind("security.istio.io/v1", "PeerAuthentication", "peerauthentications")
DESTINATION_RULE = Kind("networking.istio.io/v1", "DestinationRule", "destinationrules")
SERVICE_ENTRY = Kind("networking.istio.io/v1", "ServiceEntry", "serviceentries")
TELEMETRY = Kind("telemetry.istio.io/v1", "Telemetry", "telemetries")
SIDECAR = Kind("networking.istio.io/v1", "Sidecar", "sidecars")
# Every kind that the dialect can write, but for Services.
GATEWAY_KINDS = (
    GATEWAY,
    HTTP_ROUTE,
    GRPC_ROUTE,
    TCP_ROUTE,
    REFERENCE_GRANT,
    TELEMETRY,
    PEER_AUTHENTICATION,
    DESTINATION_RULE,
    SERVICE_ENTRY,
    SIDECAR,
)
