"""The patches of the Kubernetes API: JSON merge patch, JSON patch, strategic merge patch."""

from __future__ import annotations

from typing import Any

from lab.cluster.objects import copy


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: objects merge, null removes, everything else replaces. Leaves its arguments as they are."""
    if not isinstance(patch, dict):
        return copy(patch)
    result = copy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
