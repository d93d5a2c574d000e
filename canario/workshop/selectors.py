"""Which pods a node has, whatever the dialect."""

from canario.mesh.model import Operator, Requirement, Selector
from canario.workshop.kinds import SERVICE
from canario.workshop.ports import Manifest


def selector_of(node: Manifest) -> Selector | None:
    """The pods of the node, a VirtualNode or a Service; None when it names none.

    The cluster has checked the object's shape.
    """
    if node.get("kind") == SERVICE.name:
        chosen = node.get("spec", {}).get("selector")
        return Selector(tuple(chosen.items())) if chosen else None
    given = node.get("spec", {}).get("podSelector")
    if given is None:
        return None
    labels = given.get("matchLabels") or {}
    expressions = given.get("matchExpressions") or ()
    return Selector(
        tuple(labels.items()),
        tuple(Requirement(e["key"], Operator(e["operator"]), tuple(e.get("values") or ())) for e in expressions),
    )
