"""Istio as the lab's cluster has it: the definitions, the class, and a pod `istiod` with the cluster's X-Ray daemon.

On AWS the stacks' charts bring Istio; here whoever brings the lab up applies these.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from lab.mesh import tracing
from lab.mesh.istio.control import SYSTEM
from lab.mesh.istio.statuses import gateway_class

ISTIOD = "istiod"
IMAGE = "docker.io/istio/pilot:1.31.0"
HEALTH_PORT = 61779

Manifest = dict[str, Any]


def manifests() -> list[Manifest]:
    """In the order in which they are applied."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}}
    return [*crds(), namespace, dict(gateway_class()), _deployment()]


def crds() -> list[Manifest]:
    """Those of Gateway API 1.6.1 and Istio 1.31 that the lab acts on (tools/trim_crds.py)."""
    text = files("lab.mesh.istio").joinpath("crds.ndjson").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _deployment() -> Manifest:
    labels = {"app": ISTIOD}
    health = {"httpGet": {"path": "/healthz", "port": HEALTH_PORT}, "periodSeconds": 1}
    discovery = {"name": "discovery", "image": IMAGE, "readinessProbe": health}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": ISTIOD, "namespace": SYSTEM, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [discovery, tracing.daemon()]}},
        },
    }
