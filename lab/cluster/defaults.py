"""Defaults of built-in kinds that controllers, the kubelet and kubectl rely on.

Source: the SetDefaults functions of Kubernetes (pkg/apis/*/v1/defaults.go).
"""

from __future__ import annotations

from collections.abc import Callable

from lab.cluster.objects import Obj, dig

_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_CONTAINER = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
}
_DEFAULT_MODE = 0o644


def apply_defaults(resource: str, obj: Obj) -> None:
    """Fill in, in place, what the author of `obj` left out."""
    if found := _DEFAULTS.get(resource):
        found(obj)


def _fill(target: Obj, defaults: Obj) -> None:
    for key, value in defaults.items():
        if key not in target:
            target[key] = dict(value) if isinstance(value, dict) else value


def _pod(obj: Obj) -> None:
    if isinstance(obj.get("spec"), dict):
        pod_spec(obj["spec"])
        _fill(obj["spec"], {"enableServiceLinks": True})


def pod_spec(spec: Obj) -> None:
    _fill(spec, _POD)
    if "serviceAccountName" in spec:
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for container in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        _container(container)
    for volume in spec.get("volumes", []):
        for source in ("secret", "configMap", "downwardAPI", "projected"):
            if isinstance(volume.get(source), dict):
                volume[source].setdefault("defaultMode", _DEFAULT_MODE)


def _container(container: Obj) -> None:
    _fill(container, _CONTAINER)
    container.setdefault("imagePullPolicy", _pull_policy(str(container.get("image", ""))))
    for port in container.get("ports", []):
        port.setdefault("protocol", "TCP")
    for env in container.get("env", []):
        reference = dig(env, "valueFrom", "fieldRef")
        if reference:
            reference.setdefault("apiVersion", "v1")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(probe), dict):
            _probe(container[probe])


def _probe(probe: Obj) -> None:
    _fill(probe, _PROBE)
    if isinstance(probe.get("httpGet"), dict):
        _fill(probe["httpGet"], {"path": "/", "scheme": "HTTP"})


def _pull_policy(image: str) -> str:
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") and "@" not in image else "IfNotPresent"


def _template(obj: Obj) -> None:
    spec = dig(obj, "spec", "template", "spec")
    if isinstance(spec, dict):
        pod_spec(spec)


def _deployment(obj: Obj) -> None:
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return
    _fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        _fill(strategy.setdefault("rollingUpdate", {}), {"maxSurge": "25%", "maxUnavailable": "25%"})
    _template(obj)


def _replica_set(obj: Obj) -> None:
    if isinstance(obj.get("spec"), dict):
        obj["spec"].setdefault("replicas", 1)
    _template(obj)


def _service(obj: Obj) -> None:
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return
    _fill(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _fill(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer":
        _fill(spec, {"allocateLoadBalancerNodePorts": True})
    if spec["type"] != "ExternalName":
        _fill(spec, {"internalTrafficPolicy": "Cluster"})
    for port in spec.get("ports", []):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _secret(obj: Obj) -> None:
    obj.setdefault("type", "Opaque")


def _webhooks(obj: Obj) -> None:
    for webhook in obj.get("webhooks", []):
        _fill(
            webhook,
            {
                "failurePolicy": "Fail",
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
                "reinvocationPolicy": "Never",
                "timeoutSeconds": 10,
            },
        )
        if dig(webhook, "clientConfig", "service"):
            webhook["clientConfig"]["service"].setdefault("port", 443)
        for rule in webhook.get("rules", []):
            rule.setdefault("scope", "*")


def _definition(obj: Obj) -> None:
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("conversion", {"strategy": "None"})
    names = spec.get("names") or {}
    if names.get("kind"):
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", names["kind"] + "List")


def _role_binding(obj: Obj) -> None:
    if isinstance(obj.get("roleRef"), dict):
        obj["roleRef"].setdefault("apiGroup", "rbac.authorization.k8s.io")
    for subject in obj.get("subjects", []):
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


_DEFAULTS: dict[str, Callable[[Obj], None]] = {
    "pods": _pod,
    "deployments.apps": _deployment,
    "replicasets.apps": _replica_set,
    "services": _service,
    "secrets": _secret,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _webhooks,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
    "rolebindings.rbac.authorization.k8s.io": _role_binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _role_binding,
}
