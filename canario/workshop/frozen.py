"""Whether a workshop is on its way out: the mark that `clean` leaves on its namespace."""

from canario.workshop.ports import Manifest

FROZEN = "canario/frozen"  # the annotation; s10_clean writes it


def is_frozen(namespace: Manifest | None) -> bool:
    """True as well when the namespace is not there, or going."""
    if namespace is None or "deletionTimestamp" in namespace["metadata"]:
        return True
    return FROZEN in namespace["metadata"].get("annotations", {})
