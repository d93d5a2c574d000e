"""The Certificates port: the real one, the stand-in; and connections with what it makes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from canario.adapters.certificates import X509Certificates
from canario.adapters.tls import TlsClient
from canario.errors import InvalidInput, RemoteError
from canario.workshop.ports import Certificates, KeyPair, TlsAnswer
from tests.fakes import FakeCertificates

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOST = "nodejs.example.local"


@pytest.fixture(params=[X509Certificates, FakeCertificates], ids=["real", "fake"])
def certificates(request: pytest.FixtureRequest) -> Certificates:
    return request.param()


def test_what_was_asked_for_is_in_the_certificate(certificates: Certificates) -> None:
    """Names and end are as asked; it is believed from the start."""
    authority = certificates.authority("a workshop", NOW, 10)
    facts = certificates.read(certificates.issue(authority, [HOST, "other.local"], NOW, 3).certificate)

    assert ((HOST, "other.local"), NOW + timedelta(days=3)) == (facts.names, facts.ends)
    assert facts.begins <= NOW


def test_who_issued_it(certificates: Certificates) -> None:
    """An authority knows its own, also when another one has the same name."""
    one, other = (certificates.authority("same", NOW, 10) for _ in range(2))
    issued = certificates.issue(one, [HOST], NOW, 3).certificate

    assert certificates.is_issued_by(issued, one.certificate)
    assert not certificates.is_issued_by(issued, other.certificate)


def test_no_certificate_outlives_its_authority(certificates: Certificates) -> None:
    """It would be believed by nobody from then on."""
    authority = certificates.authority("short", NOW, 1)

    assert NOW + timedelta(days=1) == certificates.read(certificates.issue(authority, [HOST], NOW, 3).certificate).ends


def test_two_certificates_can_be_told_apart(certificates: Certificates) -> None:
    """A renewed certificate has another fingerprint and another key."""
    authority = certificates.authority("a workshop", NOW, 10)
    one, other = (certificates.issue(authority, [HOST], NOW, 3) for _ in range(2))

    assert certificates.read(one.certificate).fingerprint != certificates.read(other.certificate).fingerprint
    assert one.key != other.key


def test_what_is_no_certificate_is_refused(certificates: Certificates) -> None:
    """The error names what was asked for."""
    with pytest.raises(InvalidInput, match="certificate"):
        certificates.read("nothing")


def test_a_key_is_not_said_in_an_error() -> None:
    """What was given as a key may be one, for something else."""
    maker = X509Certificates()
    authority = maker.authority("a workshop", NOW, 10)

    with pytest.raises(InvalidInput, match="not shown") as caught:
        maker.issue(KeyPair(authority.certificate, "a secret"), [HOST], NOW, 1)
    assert "a secret" not in str(caught.value)


MAKER = X509Certificates()
AUTHORITY = MAKER.authority("tests", datetime.now(UTC), 1)


def issued(name: str, authority: KeyPair = AUTHORITY) -> KeyPair:
    return MAKER.issue(authority, [name], datetime.now(UTC), 1)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[int]:
    """A TLS server that proves to be HOST and asks for a certificate of the same authority: its port."""
    mine, trust = tmp_path / "mine.pem", tmp_path / "trust.pem"
    pair = issued(HOST)
    mine.write_text(pair.certificate + pair.key)
    trust.write_text(AUTHORITY.certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(trust))
    context.load_cert_chain(mine)
    context.verify_mode = ssl.CERT_REQUIRED

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
        except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # handshakes that fail are what is tested
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()


async def ask(port: int, **options: object) -> TlsAnswer:
    return await asyncio.to_thread(TlsClient().get, "127.0.0.1", port, **options)


async def test_the_right_certificate_is_served(server: int) -> None:
    """The answer has the status and tells which certificate the server showed."""
    answer = await ask(server, host=HOST, trust=AUTHORITY.certificate, identity=issued("frontend"))

    assert 204 == answer.status
    assert 64 == len(answer.fingerprint)


@pytest.mark.parametrize("case", ["plaintext", "none", "stranger"])
async def test_others_are_refused(server: int, case: str) -> None:
    """A refusal is an answer with a reason, also when the client's own handshake had gone well."""
    stranger = MAKER.authority("stranger", datetime.now(UTC), 1)
    identity = issued("frontend", stranger) if case == "stranger" else None
    trust = None if case == "plaintext" else AUTHORITY.certificate
    answer = await ask(server, host=HOST, trust=trust, identity=identity)

    assert None is answer.status
    assert answer.refusal


@pytest.mark.parametrize(("host", "trust"), [("other.local", AUTHORITY), (HOST, None)])
async def test_a_server_that_does_not_prove_who_it_is_refuses_nobody(
    server: int, host: str, trust: KeyPair | None
) -> None:
    """That is an error, not a refusal: the server was never asked whom it lets in."""
    trusted = trust or MAKER.authority("another", datetime.now(UTC), 1)

    with pytest.raises(RemoteError, match="the server's certificate"):
        await ask(server, host=host, trust=trusted.certificate, identity=issued("frontend"))


async def test_nobody_there(unused_tcp_port: int) -> None:
    """Nobody who listens is an error: a refusal has to come from somebody."""
    with pytest.raises(RemoteError, match="GET / at 127.0.0.1"):
        await ask(unused_tcp_port, trust=AUTHORITY.certificate)
