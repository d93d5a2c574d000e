"""X-Ray's filter expressions as a tree (`parser.py` reads it, `match.py` asks it), and the words they have. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

BOOLEANS = ("ok", "error", "throttle", "fault", "partial")
NUMBERS = ("responsetime", "duration", "http.status")
STRINGS = ("http.url", "http.method", "http.useragent", "http.clientip", "user", "name", "type")
ANNOTATION = "annotation."
KEYWORDS = (*BOOLEANS, *NUMBERS, *STRINGS, f"{ANNOTATION}<key>", "service(…)", "edge(…, …)")

Value = str | float | bool


class BadExpressionError(Exception):
    """The text is no filter expression, or one that the lab does not know; its text says where and why."""


class Operator(StrEnum):
    EQUAL = "="
    DIFFERENT = "!="
    LESS = "<"
    MORE = ">"
    AT_MOST = "<="
    AT_LEAST = ">="
    CONTAINS = "CONTAINS"
    BEGINS_WITH = "BEGINSWITH"
    ENDS_WITH = "ENDSWITH"


ORDER = (Operator.LESS, Operator.MORE, Operator.AT_MOST, Operator.AT_LEAST)
EQUALITY = (Operator.EQUAL, Operator.DIFFERENT)
TEXT = (Operator.CONTAINS, Operator.BEGINS_WITH, Operator.ENDS_WITH)


@dataclass(frozen=True)
class Name:
    """Which services are meant; an empty field is any."""

    name: str = ""
    type: str = ""
    account: str = ""


@dataclass(frozen=True)
class Is:
    """A keyword without a value: a boolean that is true, or anything else that is there."""

    keyword: str


@dataclass(frozen=True)
class Compare:
    keyword: str
    operator: Operator
    value: Value


@dataclass(frozen=True)
class ServiceIs:
    """Some request to such a service, for which `holds` is true."""

    service: Name
    holds: Expression | None = None


@dataclass(frozen=True)
class EdgeIs:
    """Some request from such a service to such a service, for which `holds` is true."""

    caller: Name
    callee: Name
    holds: Expression | None = None


@dataclass(frozen=True)
class Not:
    inner: Expression


@dataclass(frozen=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Expression, ...]


Expression = Is | Compare | ServiceIs | EdgeIs | Not | And | Or
