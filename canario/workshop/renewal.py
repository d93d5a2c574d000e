"""Certificates renewed in time, for every workshop of the cluster that has some."""

from canario.workshop import identities
from canario.workshop.connections import holders
from canario.workshop.kinds import NAMESPACE, SECRET
from canario.workshop.names import LABEL, names
from canario.workshop.ports import Ports


def renew_all(ports: Ports) -> dict[str, list[str]]:
    """Workshop → the Secrets that were written anew; those of which none was are left out.

    The pods take a new certificate as it comes: nothing is started anew, and no connection ends.
    """
    found = {}
    for namespace in ports.kubernetes.list(NAMESPACE):
        workshop = namespace["metadata"].get("labels", {}).get(LABEL)
        if workshop and "deletionTimestamp" not in namespace["metadata"]:
            found[str(workshop)] = _renewed(str(workshop), ports)
    return {workshop: written for workshop, written in found.items() if written}


def _renewed(workshop: str, ports: Ports) -> list[str]:
    where = names(workshop)
    if ports.kubernetes.get(SECRET, identities.AUTHORITY, where.namespace) is None:
        return []  # its stage `mtls` was not there yet, or was cleaned
    return identities.renew(where, holders(where, ports), ports)
