"""A Deployment's history: which ReplicaSet stands for which template, and in which order they came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from lab.cluster.controllers.ownership import labels_of, owner_reference
from lab.cluster.objects import Obj, copy, dig, name_of, namespace_of

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"

_OWN = frozenset({REVISION, HISTORY, DESIRED, MOST, "kubectl.kubernetes.io/last-applied-configuration"})
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words
_LENGTH = 10


def template_hash(template: Obj) -> str:
    """Ten letters that are the same for the same template; empty values count as absent, as in Kubernetes."""
    text = json.dumps(_without_empty(_without_hash(template)), sort_keys=True)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    letters = []
    for _ in range(_LENGTH):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(letters)


def _without_hash(template: Obj) -> Obj:
    template = copy(template)
    dig(template, "metadata", "labels", default={}).pop(HASH_LABEL, None)
    return template


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        pruned = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value


def split(deployment: Obj, sets: Iterable[Obj]) -> tuple[Obj | None, list[Obj]]:
    """The ReplicaSet of the deployment's present template (the oldest, should there be two), and the others."""
    wanted = template_hash(deployment["spec"]["template"])
    ordered = sorted(sets, key=lambda s: (s["metadata"]["creationTimestamp"], name_of(s)))
    new = next((s for s in ordered if template_hash(s["spec"]["template"]) == wanted), None)
    return new, [s for s in ordered if s is not new]


def annotation(obj: Obj, name: str) -> str | None:
    found: str | None = dig(obj, "metadata", "annotations", name)
    return found


def annotated_int(obj: Obj, name: str) -> int | None:
    text = annotation(obj, name)
    return int(text) if text and text.isdigit() else None


def next_revision(old: Sequence[Obj]) -> int:
    return max((annotated_int(s, REVISION) or 0 for s in old), default=0) + 1


def size_annotations(replicas: int, most: int) -> dict[str, str]:
    return {DESIRED: str(replicas), MOST: str(most)}


def set_annotations(deployment: Obj, new: Obj | None, old: Sequence[Obj]) -> dict[str, str]:
    """What the present ReplicaSet's annotations should hold: the deployment's own, its revision, its history."""
    wanted = {k: v for k, v in dig(deployment, "metadata", "annotations", default={}).items() if k not in _OWN}
    before = annotated_int(new, REVISION) if new else None
    revision = max(next_revision(old), before or 0)
    wanted[REVISION] = str(revision)
    if new and before and before != revision:
        history = [*filter(None, (annotation(new, HISTORY) or "").split(",")), str(before)]
        wanted[HISTORY] = ",".join(history)
    return wanted


def new_set(deployment: Obj, old: Sequence[Obj], *, replicas: int, most: int, wanted: int) -> Obj:
    """The ReplicaSet for the deployment's present template, of size `replicas`."""
    spec = deployment["spec"]
    digest = template_hash(spec["template"])
    template = _without_hash(spec["template"])
    template.setdefault("metadata", {}).setdefault("labels", {})[HASH_LABEL] = digest
    selector = copy(spec["selector"])
    selector.setdefault("matchLabels", {})[HASH_LABEL] = digest
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(deployment)}-{digest}",
            "namespace": namespace_of(deployment),
            "labels": dict(labels_of(template)),
            "annotations": set_annotations(deployment, None, old) | size_annotations(wanted, most),
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": dig(spec, "minReadySeconds", default=0),
            "selector": selector,
            "template": template,
        },
    }


def surplus(deployment: Obj, old: Sequence[Obj]) -> list[Obj]:
    """Old, empty ReplicaSets beyond revisionHistoryLimit, oldest revision first."""
    limit = int(dig(deployment, "spec", "revisionHistoryLimit", default=10))
    empty = [s for s in old if not dig(s, "spec", "replicas", default=1) and not _has_pods(s)]
    empty.sort(key=lambda s: annotated_int(s, REVISION) or 0)
    return empty[: max(0, len(empty) - limit)]


def _has_pods(replica_set: Obj) -> bool:
    seen = dig(replica_set, "status", "observedGeneration", default=0)
    return bool(dig(replica_set, "status", "replicas", default=0)) or seen < replica_set["metadata"]["generation"]
