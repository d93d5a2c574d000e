"""The workshop's own authority and a certificate for each of its nodes, kept in Secrets of its namespace.

A node's certificate says the name of the service that it serves, and is renewed when a third of its life is left.
The authority outlives every workshop. Keys are in these Secrets, in the memory of whoever makes them, and nowhere
else.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import timedelta

from canario.errors import InvalidInput, NotReady
from canario.mesh.tls import CertificateFiles
from canario.workshop.kinds import SECRET
from canario.workshop.mesh import BASELINE, CANARY
from canario.workshop.names import Names, deployment
from canario.workshop.ports import KeyPair, Manifest, Ports

AUTHORITY = "mtls-authority"  # the Secret
AUTHORITY_DAYS = 3650.0
NODE_DAYS = 30.0
RENEW_DAYS = NODE_DAYS / 3  # what is left of a certificate's life when it is renewed

DIRECTORY = "/certs"  # where the Secret of a pod's node is mounted into its Envoy
FILES = CertificateFiles(f"{DIRECTORY}/tls.crt", f"{DIRECTORY}/tls.key")
TRUST = f"{DIRECTORY}/ca.crt"


def secret_name(service: str) -> str:
    return f"{deployment(service)}-tls"


def host(names: Names, service: str) -> str:
    """The name in a node's or the gateway's certificate: both versions of nodejs are nodejs to those who call them."""
    return names.host(BASELINE if service == CANARY else service)


def renew(names: Names, services: Sequence[str], ports: Ports) -> list[str]:
    """Make what is missing and renew what ends soon; the names of the Secrets that were written."""
    authority = _authority(names, ports)
    return [secret_name(service) for service in services if _renewed(names, service, authority, ports)]


def identity(names: Names, service: str, ports: Ports) -> KeyPair:
    """The certificate of a node. Raises NotReady when it has none yet."""
    return _needed(names, secret_name(service), ports)


def trust(names: Names, ports: Ports) -> str:
    """The authority's certificate, without its key. Raises NotReady when there is none yet."""
    return _needed(names, AUTHORITY, ports).certificate


def remove(names: Names, ports: Ports) -> None:
    """Delete every Secret that this module made."""
    for secret in ports.kubernetes.list(SECRET, names.namespace, names.labels):
        ports.kubernetes.delete(SECRET, secret["metadata"]["name"], names.namespace)


def _authority(names: Names, ports: Ports) -> KeyPair:
    found = _pair(ports.kubernetes.get(SECRET, AUTHORITY, names.namespace))
    if found is None:
        found = ports.certificates.authority(f"Canario workshop {names.workshop}", ports.now, AUTHORITY_DAYS)
        ports.kubernetes.apply(_secret(names, AUTHORITY, found))
    return found


def _renewed(names: Names, service: str, authority: KeyPair, ports: Ports) -> bool:
    """Whether the node needed a new certificate, and has it now."""
    name = secret_name(service)
    found = _pair(ports.kubernetes.get(SECRET, name, names.namespace))
    if found and _is_good(found, host(names, service), authority, ports):
        return False
    issued = ports.certificates.issue(authority, [host(names, service)], ports.now, NODE_DAYS)
    ports.kubernetes.apply(_secret(names, name, issued, authority.certificate))
    return True


def _is_good(found: KeyPair, wanted: str, authority: KeyPair, ports: Ports) -> bool:
    try:
        facts = ports.certificates.read(found.certificate)
    except InvalidInput:
        return False
    lasts = facts.ends - ports.now > timedelta(days=RENEW_DAYS)
    return (
        lasts and facts.names == (wanted,) and ports.certificates.is_issued_by(found.certificate, authority.certificate)
    )


def _needed(names: Names, name: str, ports: Ports) -> KeyPair:
    found = _pair(ports.kubernetes.get(SECRET, name, names.namespace))
    if found is None:
        raise NotReady(f"Secret {names.namespace}/{name} has no certificate yet")
    return found


def _secret(names: Names, name: str, pair: KeyPair, authority: str | None = None) -> Manifest:
    data = {"tls.crt": pair.certificate, "tls.key": pair.key}
    if authority:
        data["ca.crt"] = authority
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.name,
        "metadata": {"name": name, "namespace": names.namespace, "labels": names.labels},
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in data.items()},
    }


def _pair(secret: Manifest | None) -> KeyPair | None:
    """What a Secret holds; None when it is not there, or somebody has emptied or broken it."""
    data = (secret or {}).get("data") or {}
    try:
        return KeyPair(_text(data["tls.crt"]), _text(data["tls.key"]))
    except (KeyError, binascii.Error, UnicodeDecodeError):
        return None


def _text(encoded: str) -> str:
    return base64.b64decode(encoded, validate=True).decode()
