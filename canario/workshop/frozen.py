"""A workshop on its way out: a mark on its namespace. Load stops when it sees the mark, and nothing is begun anew."""

from canario.workshop.kinds import NAMESPACE
from canario.workshop.names import Names
from canario.workshop.ports import Manifest, Ports

FROZEN = "canario/frozen"  # the annotation: when the workshop was frozen


def is_frozen(namespace: Manifest | None) -> bool:
    """True as well when the namespace is not there, or going."""
    if namespace is None or "deletionTimestamp" in namespace["metadata"]:
        return True
    return FROZEN in namespace["metadata"].get("annotations", {})


def freeze(names: Names, ports: Ports) -> None:
    """Leave the mark; harmless when it is there, or the namespace is not."""
    if not is_frozen(ports.kubernetes.get(NAMESPACE, names.namespace)):
        mark = {"metadata": {"annotations": {FROZEN: ports.now.isoformat()}}}
        ports.kubernetes.patch(NAMESPACE, names.namespace, None, mark)
