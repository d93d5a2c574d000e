"""The Kubernetes API in memory."""

import copy
from collections.abc import Mapping
from typing import Any

from canario.errors import Conflict, RemoteError
from canario.workshop.ports import Answer, Kind, Manifest


class FakeKubernetes:
    """Objects under (kind, namespace, name). `answers` is what `proxy` gets, by (pod, port, path)."""

    def __init__(self, *objects: Manifest) -> None:
        self.objects: dict[tuple[str, str | None, str], Manifest] = {}
        self.applied: dict[tuple[str, str | None, str], Manifest] = {}
        self.answers: dict[tuple[str, int, str], Answer] = {}
        self.version = 0
        for each in objects:
            self.put(each)

    def put(self, manifest: Manifest) -> Manifest:
        """Store the object as it is, under a new resourceVersion."""
        self.version += 1
        stored = copy.deepcopy(manifest)
        stored.setdefault("metadata", {})["resourceVersion"] = str(self.version)
        self.objects[_key(stored)] = stored
        return copy.deepcopy(stored)

    def apply(self, manifest: Manifest) -> Manifest:
        """What an earlier apply named and this one does not goes; what others wrote stays."""
        key = _key(manifest)
        live = merge(self.objects.get(key, {}), _dropped(self.applied.get(key, {}), manifest))
        self.applied[key] = copy.deepcopy(manifest)
        return self.put(merge(live, manifest))

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Manifest | None:
        return copy.deepcopy(self.objects.get((kind.name, namespace, name)))

    def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        return [
            copy.deepcopy(each)
            for (name, where, _), each in sorted(self.objects.items(), key=lambda item: str(item[0]))
            if name == kind.name
            and namespace in (None, where)
            and (labels or {}).items() <= each["metadata"].get("labels", {}).items()
        ]

    def patch(self, kind: Kind, name: str, namespace: str | None, patch: Manifest) -> Manifest:
        found = self.objects.get((kind.name, namespace, name))
        if found is None:
            raise RemoteError(f"patching {kind.name} {namespace}/{name}: not found")
        return self.put(merge(found, patch))

    def replace(self, manifest: Manifest) -> Manifest:
        found = self.objects.get(_key(manifest))
        if found is None:
            raise RemoteError(f"replacing {_key(manifest)}: not found")
        if found["metadata"]["resourceVersion"] != manifest["metadata"].get("resourceVersion"):
            raise Conflict(f"{_key(manifest)} changed since it was read")
        return self.put(manifest)

    def delete(self, kind: Kind, name: str, namespace: str | None = None) -> None:
        self.objects.pop((kind.name, namespace, name), None)
        self.applied.pop((kind.name, namespace, name), None)

    def proxy(self, namespace: str, pod: str, port: int, path: str) -> Answer:
        if (pod, port, path) not in self.answers:
            raise RemoteError(f"GET {path} at pod {namespace}/{pod} port {port}: no answer")
        return self.answers[pod, port, path]


def _key(manifest: Manifest) -> tuple[str, str | None, str]:
    return manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"]


def _dropped(old: Manifest, new: Manifest) -> Manifest:
    """The merge patch that removes what `old` names and `new` does not."""
    gone = {key: None for key in old if key not in new}
    both = {key: (old[key], new[key]) for key in old if key in new}
    inner = {key: _dropped(*pair) for key, pair in both.items() if all(isinstance(each, dict) for each in pair)}
    return gone | inner


def merge(old: Any, new: Any) -> Any:
    """JSON merge patch (RFC 7396): None removes, mappings merge, everything else replaces."""
    if not isinstance(new, dict):
        return copy.deepcopy(new)
    merged = copy.deepcopy(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
