"""What answers by HTTP and TLS, certificates, names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from canario.errors import InvalidInput, RemoteError
from canario.workshop.ports import Answer, CertificateFacts, KeyPair, TlsAnswer


@dataclass
class FakeHttp:
    """Answers by URL; whatever is not in `answers` does not answer. A list is used up, its last one stays."""

    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, url: str, timeout_seconds: float = 5.0) -> Answer:
        self.asked.append(url)
        if url not in self.answers:
            raise RemoteError(f"GET {url}: no answer")
        answer = self.answers[url]
        if isinstance(answer, Answer):
            return answer
        return answer.pop(0) if len(answer) > 1 else answer[0]


@dataclass
class FakeCertificates:
    """Certificates in plain text: `subject|issuer|names|begins|ends|number`. Their keys are made up."""

    made: int = 0

    def authority(self, name: str, now: datetime, days: float) -> KeyPair:
        return self._made(f"{name} {self.made}", f"{name} {self.made}", (), now, now + timedelta(days=days))

    def issue(self, authority: KeyPair, names: Sequence[str], now: datetime, days: float) -> KeyPair:
        ends = min(now + timedelta(days=days), self.read(authority.certificate).ends)
        return self._made(names[0], authority.certificate.split("|")[0], tuple(names), now, ends)

    def read(self, certificate: str) -> CertificateFacts:
        if certificate.count("|") != 5:
            raise InvalidInput("certificate", certificate[:40], "a certificate")
        _, _, names, begins, ends, _ = certificate.split("|")
        moments = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
        return CertificateFacts(tuple(filter(None, names.split(","))), *moments, fingerprint=certificate)

    def is_issued_by(self, certificate: str, authority: str) -> bool:
        return certificate.split("|")[1] == authority.split("|")[0]

    def _made(self, subject: str, issuer: str, names: tuple[str, ...], begins: datetime, ends: datetime) -> KeyPair:
        self.made += 1
        text = "|".join((subject, issuer, ",".join(names), begins.isoformat(), ends.isoformat(), str(self.made)))
        return KeyPair(text, f"key {self.made}")


@dataclass
class FakeTls:
    """How a connection ends, by address: a function of what the client trusts and shows. None trusted: plaintext."""

    servers: dict[str, Callable[[str | None, KeyPair | None], TlsAnswer]] = field(default_factory=dict)

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
        if address not in self.servers:
            raise RemoteError(f"GET {path} at {address}:{port}: nobody answers")
        return self.servers[address](trust, identity)


@dataclass
class FakeZone:
    names: dict[str, str] = field(default_factory=dict)

    def upsert(self, name: str, target: str) -> None:
        self.names[name.rstrip(".")] = target.rstrip(".")

    def delete(self, name: str) -> None:
        self.names.pop(name.rstrip("."), None)

    def records(self) -> Mapping[str, str]:
        return dict(self.names)
