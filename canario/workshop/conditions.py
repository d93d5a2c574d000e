"""An object's conditions, as its controllers write them."""

from collections.abc import Mapping, Sequence
from typing import Any


def conditions(manifest: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """All of its status; none where nobody has looked at it yet, which API servers say as null too."""
    return (manifest.get("status") or {}).get("conditions") or ()


def is_true(manifest: Mapping[str, Any], kind: str) -> bool:
    """Whether the condition of this type is there, and `True`."""
    return any(each.get("type") == kind and each.get("status") == "True" for each in conditions(manifest))
