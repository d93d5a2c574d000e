"""Which requests a route takes."""

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    REGEX = "regex"  # RE2, of the whole text


@dataclass(frozen=True)
class Text:
    how: How
    value: str


@dataclass(frozen=True)
class Range:
    """Whole numbers from `start`, below `end`."""

    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """A header, or gRPC metadata. Without a value it has to be there."""

    name: str
    value: Text | Range | None = None
    invert: bool = False


@dataclass(frozen=True)
class Query:
    """A query parameter. Without a value it has to be there."""

    name: str
    value: str | None = None


@dataclass(frozen=True)
class Match:
    """Of HTTP requests: everything that is said must hold. `path` (exact or regex) stands instead of `prefix`."""

    prefix: str | None = "/"
    path: Text | None = None
    method: str | None = None
    scheme: str | None = None
    headers: tuple[Header, ...] = ()
    query: tuple[Query, ...] = ()
    host: Text | None = None  # exact or suffix; gateways only
    port: int | None = None

    @property
    def specificity(self) -> tuple[bool, int, int]:
        """Larger for what is tried earlier, where no priority says so: an exact path, then the longest one."""
        exact = self.path is not None and self.path.how is How.EXACT
        path = self.path.value if self.path else self.prefix or ""
        others = (self.method, self.scheme, self.host, *self.headers, *self.query)
        return exact, len(path), sum(each is not None for each in others)


@dataclass(frozen=True)
class GrpcMatch:
    """Of gRPC calls; `method` only with its `service`."""

    service: str | None = None
    method: str | None = None
    metadata: tuple[Header, ...] = ()
    host: Text | None = None  # exact or suffix; gateways only
    port: int | None = None

    @property
    def specificity(self) -> tuple[bool, int, int]:
        named = f"{self.service or ''}{self.method or ''}"
        return self.method is not None, len(named), len(self.metadata) + (self.host is not None)


@dataclass(frozen=True)
class TcpMatch:
    """Of connections."""

    port: int | None = None

    @property
    def specificity(self) -> tuple[bool, int, int]:
        return False, 0, int(self.port is not None)


AnyMatch = Match | GrpcMatch | TcpMatch
