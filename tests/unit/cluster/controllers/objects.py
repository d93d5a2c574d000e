"""Objects that the tests of the controllers are about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lab.cluster.controllers.ownership import owner_reference
from lab.cluster.objects import Obj, timestamp

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    return timestamp(NOW - timedelta(seconds=seconds))


def deployment(replicas: int = 3, *, image: str = "v1", **spec: Any) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "uid-web", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": image}]},
            },
            **spec,
        },
    }


def stored(replica_set: Obj, *, available: int = 0, replicas: int | None = None, age: float = 60) -> Obj:
    """A ReplicaSet as the API would have it, with a status."""
    size = replica_set["spec"]["replicas"] if replicas is None else replicas
    metadata = {
        "uid": f"uid-{replica_set['metadata']['name']}",
        "creationTimestamp": ago(age),
        "generation": 1,
    }
    status = {
        "observedGeneration": 1,
        "replicas": size,
        "readyReplicas": available,
        "availableReplicas": available,
    }
    return {**replica_set, "metadata": {**replica_set["metadata"], **metadata}, "status": status}


def pod(name: str, *, ready: float | None = 60, owner: Obj | None = None, **more: Any) -> Obj:
    """A running pod; `ready`: for how many seconds, None when it is not."""
    condition = {
        "type": "Ready",
        "status": "True" if ready is not None else "False",
        "lastTransitionTime": ago(ready or 0),
    }
    metadata = {
        "name": name,
        "namespace": "shop",
        "uid": f"uid-{name}",
        "labels": {"app": "web"},
        "creationTimestamp": ago(100),
        **more.pop("metadata", {}),
    }
    if owner:
        metadata["ownerReferences"] = [owner_reference(owner)]
    status = {"phase": "Running", "conditions": [condition], **more.pop("status", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": "n", **more},
        "status": status,
    }
