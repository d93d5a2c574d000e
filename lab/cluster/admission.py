"""What the API server adds to objects as they come in, beyond defaults: the lab's built-in admission."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from lab.cluster.collector import DEFINITIONS
from lab.cluster.definitions import establish, keep_cleanup
from lab.cluster.objects import Obj, dig, name_of, timestamp
from lab.cluster.store import Store
from lab.net import Block

NODE = "lab-node"  # the lab's only node: naming it here is the whole of scheduling


class Admission:
    """Mutates objects in place before they are validated and stored."""

    def __init__(self, store: Store, block: Block) -> None:
        self._store = store
        self._block = block

    def admit(self, resource: str, obj: Obj, old: Obj | None) -> None:
        """`old` is None for an object that is being created."""
        if old is None:
            self._admit_new(resource, obj)
        elif resource == "services":
            _keep_cluster_ip(obj, old)
        elif resource == "namespaces":
            obj["spec"] = old.get("spec", {})
        if resource == "secrets":
            _encode_string_data(obj)
        elif resource == DEFINITIONS:
            keep_cleanup(obj)

    def _admit_new(self, resource: str, obj: Obj) -> None:
        match resource:
            case "pods":
                _admit_pod(obj)
            case "services":
                self._give_cluster_ip(obj)
            case "namespaces":
                obj.setdefault("spec", {})["finalizers"] = ["kubernetes"]
                obj["status"] = {"phase": "Active"}
                labels = obj["metadata"].setdefault("labels", {})
                labels["kubernetes.io/metadata.name"] = name_of(obj)
            case str(definitions) if definitions == DEFINITIONS:
                establish(obj, timestamp(self._store.now()))

    def _give_cluster_ip(self, obj: Obj) -> None:
        obj["status"] = {"loadBalancer": {}}
        spec = obj.get("spec")
        if not isinstance(spec, dict) or spec.get("type") == "ExternalName":
            return
        if not spec.get("clusterIP"):
            spec["clusterIP"] = self._free_cluster_ip()
        spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")

    def _free_cluster_ip(self) -> str:
        used = {dig(s, "spec", "clusterIP") for s in self._store.list("services")}
        n = 1
        while (address := self._block.cluster_ip(n)) in used:
            n += 1
        return address


def _keep_cluster_ip(obj: Obj, old: Obj) -> None:
    """An update that leaves the address out means to keep it."""
    spec = obj.get("spec") or {}
    for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if not spec.get(field) and dig(old, "spec", field) and spec.get("type") != "ExternalName":
            spec[field] = old["spec"][field]


def _admit_pod(obj: Obj) -> None:
    obj["status"] = {"phase": "Pending"}
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("nodeName", NODE)
    obj["status"]["qosClass"] = _quality_of_service(spec.get("containers") or [])


def _quality_of_service(containers: Iterable[Obj]) -> str:
    """Guaranteed, Burstable or BestEffort, for `kubectl describe`; the lab enforces no limits."""
    resources = [c.get("resources") or {} for c in containers]
    if not any(r.get("limits") or r.get("requests") for r in resources):
        return "BestEffort"
    complete = all(set(r.get("limits") or {}) >= {"cpu", "memory"} for r in resources)
    if complete and all((r.get("requests") or r["limits"]) == r["limits"] for r in resources):
        return "Guaranteed"
    return "Burstable"


def _encode_string_data(obj: Obj) -> None:
    plain = obj.pop("stringData", None)
    for key, value in (plain or {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()
