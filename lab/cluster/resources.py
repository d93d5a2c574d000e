"""The resources that the lab's API serves: a table of built-in kinds, and what CRDs add to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lab.cluster.errors import no_such_path


@dataclass(frozen=True)
class Resource:
    """One served resource. `versions` are in order of preference; the first one is what is stored."""

    group: str
    versions: tuple[str, ...]
    plural: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    singular: str = ""
    custom: bool = field(default=False, compare=False)
    enforced: bool = True  # False: stored so that manifests apply, acted upon by nobody; writes are warned

    @property
    def key(self) -> str:
        """`pods`, `deployments.apps`: the name by which clients and errors call it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources

    def api_version(self, version: str = "") -> str:
        chosen = version or self.versions[0]
        return f"{self.group}/{chosen}" if self.group else chosen


_ALL = ("all",)
_V1 = ("v1",)


def _core(plural: str, kind: str, *short: str, **more: object) -> Resource:
    return Resource("", _V1, plural, kind, short_names=short, **more)  # type: ignore[arg-type]


def _of(group: str, plural: str, kind: str, *short: str, **more: object) -> Resource:
    return Resource(group, _V1, plural, kind, short_names=short, **more)  # type: ignore[arg-type]


def _cluster(group: str, plural: str, kind: str, *, enforced: bool = True) -> Resource:
    extension = ("api-extensions",)
    return Resource(group, _V1, plural, kind, namespaced=False, categories=extension, enforced=enforced)


_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_SCALED = ("status", "scale")
POD_SUBRESOURCES = ("status", "log", "proxy", "exec", "attach", "portforward")

BUILT_IN: tuple[Resource, ...] = (
    _core("namespaces", "Namespace", "ns", namespaced=False, subresources=("status",)),
    _core("nodes", "Node", "no", namespaced=False, subresources=("status",)),
    _core("pods", "Pod", "po", categories=_ALL, subresources=POD_SUBRESOURCES),
    _core("services", "Service", "svc", categories=_ALL, subresources=("status",)),
    _core("endpoints", "Endpoints", "ep", singular="endpoints"),
    _core("configmaps", "ConfigMap", "cm"),
    _core("secrets", "Secret"),
    _core("serviceaccounts", "ServiceAccount", "sa", subresources=("token",)),
    _core("events", "Event", "ev"),
    _of("apps", "deployments", "Deployment", "deploy", categories=_ALL, subresources=_SCALED),
    _of("apps", "replicasets", "ReplicaSet", "rs", categories=_ALL, subresources=_SCALED),
    _of("coordination.k8s.io", "leases", "Lease"),
    _of("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    _of(_RBAC, "roles", "Role"),
    _of(_RBAC, "rolebindings", "RoleBinding"),
    _of(_RBAC, "clusterroles", "ClusterRole", namespaced=False),
    _of(_RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    _cluster(_ADMISSION, "mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    _cluster(_ADMISSION, "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", enforced=False),
    _cluster(_ADMISSION, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", enforced=False),
    _cluster(
        _ADMISSION,
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        enforced=False,
    ),
    _of(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        "crd",
        "crds",
        namespaced=False,
        categories=("api-extensions",),
        subresources=("status",),
    ),
)


class Resources:
    """What is served now: the built-in resources and those of established CRDs."""

    def __init__(self, resources: Iterable[Resource] = BUILT_IN) -> None:
        self._by_key = {r.key: r for r in resources}
        self.revision = 0  # grows with every change of what is served

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_key.values())

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def get(self, key: str) -> Resource:
        """The resource called `pods` or `deployments.apps`; 404 when there is none."""
        try:
            return self._by_key[key]
        except KeyError:
            raise no_such_path() from None

    def find(self, group: str, version: str, plural: str) -> Resource:
        resource = self.get(f"{plural}.{group}" if group else plural)
        if version not in resource.versions:
            raise no_such_path()
        return resource

    def add(self, resource: Resource) -> None:
        self._by_key[resource.key] = resource
        self.revision += 1

    def remove(self, key: str) -> None:
        self._by_key.pop(key, None)
        self.revision += 1
