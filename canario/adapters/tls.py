"""One connection to one address, by TLS or in plaintext, to see who is served there.

A client that shows no certificate, or a wrong one, learns of it only when it reads: in TLS 1.3 its own handshake is
over by then. So every connection asks for something.
"""

import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from canario.errors import RemoteError
from canario.workshop.ports import KeyPair, TlsAnswer

SPIFFE = "spiffe://"

# What a server that is there does to a client that it does not want.
_REFUSED = (ssl.SSLError, ConnectionError, http.client.HTTPException)


class TlsClient:
    """The Tls port. It knows no proxy: it must be where it can reach the address."""

    def __init__(self, timeout_seconds: float = 5.0) -> None:
        self._timeout = timeout_seconds

    def get(
        self,
        address: str,
        port: int,
        *,
        path: str = "/",
        host: str = "",
        trust: str | None = None,
        identity: KeyPair | None = None,
    ) -> TlsAnswer:
        """Raises RemoteError when nobody answers at all, or the server does not prove to be `host`."""
        spiffe = host.startswith(SPIFFE)
        what = f"GET {path} at {address}:{port}" + (f" as {host}" if host else "")
        try:
            with socket.create_connection((address, port), timeout=self._timeout) as plain:
                context = _context(trust, identity, by_name=not spiffe) if trust else None
                return self._talk(plain, what, path, host or address, context)
        except OSError as error:
            raise RemoteError(f"{what}: {error}") from error

    def _talk(self, plain: socket.socket, what: str, path: str, host: str, tls: ssl.SSLContext | None) -> TlsAnswer:
        shown = ""
        try:
            connected = tls.wrap_socket(plain, server_hostname=host if tls.check_hostname else None) if tls else plain
            with connected:
                if isinstance(connected, ssl.SSLSocket):
                    _prove(connected, host, what)
                    shown = sha256(connected.getpeercert(binary_form=True) or b"").hexdigest()
                return TlsAnswer(_status(connected, path, host), fingerprint=shown)
        except ssl.SSLCertVerificationError as error:
            raise RemoteError(f"{what}: the server's certificate: {error.verify_message}") from error
        except _REFUSED as error:
            return TlsAnswer(None, refusal=_words(error), fingerprint=shown)
        except TimeoutError as error:
            raise RemoteError(f"{what}: connected, but no answer within {self._timeout:g} s") from error


def _prove(connected: ssl.SSLSocket, host: str, what: str) -> None:
    """Names are `ssl`'s to look at; identities are not, which it only reads. Raises RemoteError."""
    if host.startswith(SPIFFE):
        said = (connected.getpeercert() or {}).get("subjectAltName", ())
        if ("URI", host) not in said:
            raise RemoteError(f"{what}: the server's certificate: identity mismatch, it says {said or 'nobody'}")


def _status(connected: socket.socket, path: str, host: str) -> int:
    host = "localhost" if host.startswith(SPIFFE) else host
    connection = http.client.HTTPConnection(host)
    connection.sock = connected
    connection.request("GET", path, headers={"Host": host, "Connection": "close"})
    return connection.getresponse().status


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}".replace("_", " ").lower()
    return f"the connection was closed ({type(error).__name__})"


def _context(trust: str, identity: KeyPair | None, *, by_name: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = by_name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=trust)
    if identity:
        with _in_memory(identity.certificate + identity.key) as path:
            context.load_cert_chain(path)
    return context


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """A path to the text, which no file system holds: `ssl` takes keys from files only."""
    descriptor = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
