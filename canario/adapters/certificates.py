"""The Certificates port, by `cryptography`.

The package is in the asset of the functions that need it and no other: it would double every function's size. So it
is imported when a certificate is first made or read.
"""

from collections.abc import Sequence
from datetime import datetime

from canario.workshop.ports import CertificateFacts, KeyPair


class X509Certificates:
    """EC P-256 keys, SHA-256 signatures."""

    def authority(self, name: str, now: datetime, days: float) -> KeyPair:
        """A new certificate authority that signs workloads, and no other authorities."""
        from canario.adapters import x509

        return x509.authority(name, now, days)

    def issue(self, authority: KeyPair, names: Sequence[str], now: datetime, days: float) -> KeyPair:
        """A certificate for a server and a client of these DNS names; it ends with the authority's at the latest."""
        from canario.adapters import x509

        return x509.issue(authority, names, now, days)

    def read(self, certificate: str) -> CertificateFacts:
        """Raises InvalidInput for what is no certificate in PEM."""
        from canario.adapters import x509

        return x509.read(certificate)

    def is_issued_by(self, certificate: str, authority: str) -> bool:
        """Whether the authority's key signed it."""
        from canario.adapters import x509

        return x509.is_issued_by(certificate, authority)
