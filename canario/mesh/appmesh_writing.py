"""What the renderers of App Mesh manifests share."""

from typing import Any

from canario.mesh.appmesh_names import Manifest
from canario.mesh.refs import Ref, Selector


def without_none(**fields: Any) -> Manifest:
    return {key: value for key, value in fields.items() if value is not None}


def unless(value: str, default: str) -> str | None:
    return None if value == default else value


def reference_to(ref: Ref, owner: Ref) -> Manifest:
    return without_none(name=ref.name, namespace=unless(ref.namespace, owner.namespace))


def selector_spec(selector: Selector | None) -> Manifest | None:
    if selector is None:
        return None
    expressions = [
        without_none(key=r.key, operator=str(r.operator), values=list(r.values) or None) for r in selector.requirements
    ]
    return without_none(matchLabels=dict(selector.labels) or None, matchExpressions=expressions or None)
