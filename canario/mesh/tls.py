"""TLS between nodes, in the project's own words. Paths are those of the proxy's container."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class TlsMode(StrEnum):
    """What a listener takes."""

    DISABLED = "DISABLED"  # plaintext only
    PERMISSIVE = "PERMISSIVE"  # both
    STRICT = "STRICT"  # TLS only


@dataclass(frozen=True)
class CertificateFiles:
    """A certificate with its chain, and its key; PEM."""

    chain: str
    key: str


@dataclass(frozen=True)
class Validation:
    """Whose certificates are believed: those of the authorities in the file `trust` (PEM), and, where `names` are
    given, only with one of them as a subject alternative name.
    """

    trust: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListenerTls:
    """How a listener proves who it is; with `validation` a client has to as well (mutual TLS)."""

    mode: TlsMode
    certificate: CertificateFiles
    validation: Validation | None = None

    @property
    def is_on(self) -> bool:
        return self.mode is not TlsMode.DISABLED


@dataclass(frozen=True)
class ClientTls:
    """How a node calls. Without `enforce` it speaks TLS only to listeners that do; `ports` limits it to those."""

    validation: Validation
    certificate: CertificateFiles | None = None
    enforce: bool = True
    ports: tuple[int, ...] = ()

    def applies_to(self, port: int, listener: ListenerTls | None) -> bool:
        """Whether calls of a listener at this port go by TLS."""
        offered = listener is not None and listener.is_on
        return (not self.ports or port in self.ports) and (self.enforce or offered)


def problems_of_paths(*parts: ListenerTls | ClientTls | None) -> Iterator[str]:
    """Paths that name no file of a container."""
    for part in parts:
        for path in _paths(part) if part else ():
            if not path.startswith("/") or ".." in path.split("/"):
                yield f"its TLS names the file {path!r}; allowed: an absolute path without '..'"


def _paths(part: ListenerTls | ClientTls) -> Iterator[str]:
    if part.certificate:
        yield from (part.certificate.chain, part.certificate.key)
    if part.validation:
        yield part.validation.trust
