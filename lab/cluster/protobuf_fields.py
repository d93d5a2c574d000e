"""Protobuf field numbers of the messages that typed clients (kubectl create, kubectl auth) send.

The numbers are those of Kubernetes' `generated.proto` files; they never change there. Names and types of the
fields come from the kinds' schemas. A message that is not here is refused, and the client told to send JSON.
"""

from __future__ import annotations

from collections.abc import Mapping


def _numbered(text: str) -> Mapping[int, str]:
    return {int(number): name for name, _, number in (entry.partition(":") for entry in text.split())}


_META = "metadata:1 spec:2 status:3"

FIELDS: Mapping[str, Mapping[int, str]] = {
    message: _numbered(text)
    for message, text in {
        "ClusterRole": "metadata:1 rules:2 aggregationRule:3",
        "ClusterRoleBinding": "metadata:1 subjects:2 roleRef:3",
        "ConfigMap": "metadata:1 data:2 binaryData:3 immutable:4",
        "Container": "name:1 image:2 command:3 args:4 workingDir:5 ports:6 env:7 resources:8 volumeMounts:9"
        " livenessProbe:10 readinessProbe:11 lifecycle:12 terminationMessagePath:13 imagePullPolicy:14"
        " securityContext:15 stdin:16 stdinOnce:17 tty:18 envFrom:19 terminationMessagePolicy:20"
        " volumeDevices:21 startupProbe:22",
        "ContainerPort": "name:1 hostPort:2 containerPort:3 protocol:4 hostIP:5",
        "DeleteOptions": "gracePeriodSeconds:1 preconditions:2 orphanDependents:3 propagationPolicy:4 dryRun:5",
        "Deployment": _META,
        "DeploymentSpec": "replicas:1 selector:2 template:3 strategy:4 minReadySeconds:5"
        " revisionHistoryLimit:6 paused:7 progressDeadlineSeconds:9",
        "DeploymentStrategy": "type:1 rollingUpdate:2",
        "EnvVar": "name:1 value:2 valueFrom:3",
        "LabelSelector": "matchLabels:1 matchExpressions:2",
        "LabelSelectorRequirement": "key:1 operator:2 values:3",
        "LocalObjectReference": "name:1",
        "Namespace": _META,
        "NamespaceSpec": "finalizers:1",
        "NonResourceAttributes": "path:1 verb:2",
        "ObjectMeta": "name:1 generateName:2 namespace:3 selfLink:4 uid:5 resourceVersion:6 generation:7"
        " creationTimestamp:8 deletionTimestamp:9 deletionGracePeriodSeconds:10 labels:11 annotations:12"
        " ownerReferences:13 finalizers:14",
        "ObjectReference": "kind:1 namespace:2 name:3 uid:4 apiVersion:5 resourceVersion:6 fieldPath:7",
        "OwnerReference": "kind:1 name:3 uid:4 apiVersion:5 controller:6 blockOwnerDeletion:7",
        "PodSpec": "volumes:1 containers:2 restartPolicy:3 terminationGracePeriodSeconds:4"
        " activeDeadlineSeconds:5 dnsPolicy:6 nodeSelector:7 serviceAccountName:8 serviceAccount:9 nodeName:10"
        " hostNetwork:11 hostPID:12 hostIPC:13 securityContext:14 imagePullSecrets:15 hostname:16 subdomain:17"
        " affinity:18 schedulerName:19 initContainers:20 automountServiceAccountToken:21 tolerations:22"
        " hostAliases:23 priorityClassName:24 priority:25 dnsConfig:26 shareProcessNamespace:27 readinessGates:28"
        " runtimeClassName:29 enableServiceLinks:30 preemptionPolicy:31",
        "PodTemplateSpec": "metadata:1 spec:2",
        "PolicyRule": "verbs:1 apiGroups:2 resources:3 resourceNames:4 nonResourceURLs:5",
        "Preconditions": "uid:1 resourceVersion:2",
        "ResourceAttributes": "namespace:1 verb:2 group:3 version:4 resource:5 subresource:6 name:7",
        "ResourceRequirements": "limits:1 requests:2 claims:3",
        "Role": "metadata:1 rules:2",
        "RoleBinding": "metadata:1 subjects:2 roleRef:3",
        "RoleRef": "apiGroup:1 kind:2 name:3",
        "RollingUpdateDeployment": "maxUnavailable:1 maxSurge:2",
        "Secret": "metadata:1 data:2 type:3 stringData:4 immutable:5",
        "SelfSubjectAccessReview": _META,
        "SelfSubjectAccessReviewSpec": "resourceAttributes:1 nonResourceAttributes:2",
        "SelfSubjectReview": "metadata:1 status:2",
        "SelfSubjectRulesReview": _META,
        "SelfSubjectRulesReviewSpec": "namespace:1",
        "Service": _META,
        "ServiceAccount": "metadata:1 secrets:2 imagePullSecrets:3 automountServiceAccountToken:4",
        "ServicePort": "name:1 protocol:2 port:3 targetPort:4 nodePort:5 appProtocol:6",
        "ServiceSpec": "ports:1 selector:2 clusterIP:3 type:4 externalIPs:5 sessionAffinity:7 loadBalancerIP:8"
        " loadBalancerSourceRanges:9 externalName:10 externalTrafficPolicy:11 healthCheckNodePort:12"
        " publishNotReadyAddresses:13 sessionAffinityConfig:14 ipFamilyPolicy:17 clusterIPs:18 ipFamilies:19"
        " allocateLoadBalancerNodePorts:20 loadBalancerClass:21 internalTrafficPolicy:22",
        "Subject": "kind:1 apiGroup:2 name:3 namespace:4",
        "TokenRequest": _META,
        "TokenRequestSpec": "audiences:1 boundObjectRef:3 expirationSeconds:4",
    }.items()
}
# Optional in the API types: their zero says something, that of others only that they were left out.
OPTIONAL = frozenset(
    {
        "automountServiceAccountToken",
        "gracePeriodSeconds",
        "immutable",
        "orphanDependents",
        "progressDeadlineSeconds",
        "replicas",
        "revisionHistoryLimit",
        "terminationGracePeriodSeconds",
    }
)
BYTES = frozenset({("Secret", "data"), ("ConfigMap", "binaryData")})
