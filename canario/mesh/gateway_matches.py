"""Matches of routes as Gateway API has them, written and read.

A prefix, a suffix, a range or mere presence of a header becomes a regular expression, which both sides match against
the whole value. What has no native form (a negated header, a scheme, a port) makes a route that is not written.
"""

import re
from collections.abc import Iterator, Sequence

from canario.errors import InvalidInput
from canario.mesh.appmesh_writing import without_none
from canario.mesh.fields import Fields
from canario.mesh.gateway_names import Manifest
from canario.mesh.matches import AnyMatch, GrpcMatch, Header, How, Match, Query, Range, TcpMatch, Text

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
ANYTHING = ".*"
NOTHING_THERE = "^$"  # of an empty value: the dialect wants one character at least
MOST_TESTS = 16  # of headers, and of query parameters, in a match
MOST_OF_A_PATH = 1024  # characters
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

_PREFIX, _EXACT, _REGEX = "PathPrefix", "Exact", "RegularExpression"
_PATH = re.compile(r"/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*")
_NOT_IN_A_PATH = ("//", "/./", "/../", "%2f", "%2F", "#")
_GRPC_SERVICE = re.compile(r"\.?[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")  # a name of a header or a query parameter
_GRPC_METHOD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def unwritable(match: AnyMatch) -> Iterator[tuple[str, str]]:
    """What of the match has no native form: (its field in the model, why)."""
    if isinstance(match, Match):
        if match.method is not None and match.method not in METHODS:
            yield "method", f"{match.method} is none of {', '.join(METHODS)}"
        if match.scheme is not None:
            yield "scheme", "routes do not match by scheme"
        if len((_path_spec(match) or {}).get("value", "")) > MOST_OF_A_PATH:
            yield "path" if match.path else "prefix", f"a path has at most {MOST_OF_A_PATH} characters"
        yield from (("queryParameters", why) for why in _unwritable_names("query parameter", match.query))
    headers = match.metadata if isinstance(match, GrpcMatch) else _headers_of(match)
    yield from (("headers", why) for why in _unwritable_names("header", headers))
    for header in headers:
        if header.invert:
            yield "headers", f"{header.name} is negated; routes only match what is there"
    if not isinstance(match, TcpMatch) and match.host and not hostnames(match.host):
        yield "hostname", f"{match.host.value} is no name of a host"
    if match.port is not None:
        yield "port", "routes do not match by port; only a route's parent has one"


def _unwritable_names(kind: str, tests: Sequence[Header | Query]) -> Iterator[str]:
    names = [each.name.lower() if isinstance(each, Header) else each.name for each in tests]
    if len(set(names)) < len(names):
        yield f"a route asks one thing of a {kind}"
    if len(names) > MOST_TESTS:
        yield f"a route asks of at most {MOST_TESTS} {kind}s"
    for name in names:
        if not _TOKEN.fullmatch(name):
            yield f"{name} is no name of a {kind}"


def hostnames(host: Text | None) -> list[str]:
    """A host as routes have it; a suffix such as `.example.com` is everything below it. Empty when it has no such
    form.
    """
    if host is None:
        return []
    name = host.value.lower()
    if not HOST.fullmatch(name.removeprefix(".") if host.how is How.SUFFIX else name):
        return []
    if host.how is How.SUFFIX:
        return [f"*{name}"] if name.startswith(".") else [name, f"*.{name}"]
    return [name]


def read_hostnames(found: Sequence[str]) -> Text | None:
    """The one host that they say. Raises ValueError when they are several."""
    if not found:
        return None
    one, *others = found
    if others == [f"*.{one}"]:
        return Text(How.SUFFIX, one)
    if others:
        raise ValueError("several hosts")
    return Text(How.SUFFIX, one[1:]) if one.startswith("*") else Text(How.EXACT, one)


def _headers_of(match: AnyMatch) -> tuple[Header, ...]:
    return match.headers if isinstance(match, Match) else ()


def http_match_spec(match: Match) -> Manifest:
    return without_none(
        path=_path_spec(match),
        method=match.method,
        headers=[_header_spec(header) for header in match.headers] or None,
        queryParams=[_query_spec(query) for query in match.query] or None,
    )


def read_http_match(fields: Fields) -> Match:
    with fields:
        prefix, path = _read_path(fields.inner_or_none("path"))
        return Match(
            prefix=prefix,
            path=path,
            method=fields.text_or("method", "") or None,
            headers=tuple(map(_read_header, fields.items("headers"))),
            query=tuple(map(_read_query, fields.items("queryParams"))),
        )


def grpc_match_spec(match: GrpcMatch) -> Manifest:
    return without_none(
        method=_call_spec(match),
        headers=[_header_spec(header) for header in match.metadata] or None,
    )


def read_grpc_match(fields: Fields) -> GrpcMatch:
    with fields:
        service = method = None
        if call := fields.inner_or_none("method"):
            with call:
                service, method = call.text_or("service", "") or None, call.text_or("method", "") or None
                if call.text_or("type", _EXACT) != _EXACT:
                    service, method = _unquoted(service), _unquoted(method)
        return GrpcMatch(service, method, tuple(map(_read_header, fields.items("headers"))))


def is_plain_path(path: str) -> bool:
    """Whether Gateway API takes it as the value of an exact path or of a prefix."""
    ends = path.endswith(("/..", "/."))
    return bool(_PATH.fullmatch(path)) and not ends and not any(part in path for part in _NOT_IN_A_PATH)


def _path_spec(match: Match) -> Manifest | None:
    if match.path is None:
        prefix = match.prefix or "/"
        plain = is_plain_path(prefix)
        return {"type": _PREFIX if plain else _REGEX, "value": prefix if plain else re.escape(prefix) + ANYTHING}
    if match.path.how is How.EXACT:
        plain = is_plain_path(match.path.value)
        return {
            "type": _EXACT if plain else _REGEX,
            "value": match.path.value if plain else re.escape(match.path.value),
        }
    return {"type": _REGEX, "value": match.path.value}


def _read_path(fields: Fields | None) -> tuple[str | None, Text | None]:
    if fields is None:
        return "/", None
    with fields:
        how, value = fields.text_or("type", _PREFIX), fields.text_or("value", "/")
        if how == _PREFIX:
            return value, None
        if how not in (_EXACT, _REGEX):
            raise InvalidInput(fields.where("type"), how, f"{_PREFIX}, {_EXACT}, {_REGEX}")
        return None, Text(How.EXACT if how == _EXACT else How.REGEX, value)


def _header_spec(header: Header) -> Manifest:
    match header.value:
        case Text(How.EXACT, value):
            return {"name": header.name, "type": _EXACT, "value": value}
        case Text(How.PREFIX, value):
            pattern = re.escape(value) + ANYTHING
        case Text(How.SUFFIX, value):
            pattern = ANYTHING + re.escape(value)
        case Text(How.REGEX, value):
            pattern = value
        case Range(start, end):
            pattern = range_pattern(start, end)
        case _:
            pattern = ANYTHING
    return {"name": header.name, "type": _REGEX, "value": pattern}


def _read_header(fields: Fields) -> Header:
    with fields:
        name, value, how = fields.text("name"), fields.text("value"), fields.text_or("type", _EXACT)
        if how == _REGEX:
            return Header(name, None if value == ANYTHING else Text(How.REGEX, value))
        if how != _EXACT:
            raise InvalidInput(fields.where("type"), how, f"{_EXACT}, {_REGEX}")
        return Header(name, Text(How.EXACT, value))


def _query_spec(query: Query) -> Manifest:
    if query.value is None:
        return {"name": query.name, "type": _REGEX, "value": ANYTHING}
    if not query.value:
        return {"name": query.name, "type": _REGEX, "value": NOTHING_THERE}
    return {"name": query.name, "type": _EXACT, "value": query.value}


def _read_query(fields: Fields) -> Query:
    with fields:
        name, value, how = fields.text("name"), fields.text("value"), fields.text_or("type", _EXACT)
        if how == _REGEX and value in (ANYTHING, NOTHING_THERE):
            return Query(name, None if value == ANYTHING else "")
        if how != _EXACT:
            raise InvalidInput(
                fields.where("value"), value, f"{ANYTHING}, the only {_REGEX} of a query here, or {_EXACT}"
            )
        return Query(name, value)


def _call_spec(match: GrpcMatch) -> Manifest | None:
    if match.service is None:
        return None
    named = without_none(service=match.service, method=match.method)
    plain = _GRPC_SERVICE.fullmatch(match.service) and (match.method is None or _GRPC_METHOD.fullmatch(match.method))
    if plain:
        return {"type": _EXACT, **named}
    return {"type": _REGEX, **{name: re.escape(value) for name, value in named.items()}}


def _unquoted(pattern: str | None) -> str | None:
    return None if pattern is None else re.sub(r"\\(.)", r"\1", pattern)


def range_pattern(start: int, end: int) -> str:
    """A regular expression for the whole numbers from `start`, below `end`, as people write them."""
    last = end - 1
    parts = []
    if start < 0 and last >= start:
        parts += [f"-{part}" for part in _numbers(max(1, -last), -start)]
    if last >= 0:
        parts += _numbers(max(0, start), last)
    return "|".join(parts) if parts else "[^\\s\\S]"


def _numbers(low: int, high: int) -> list[str]:
    """Patterns for the numbers from `low` to `high`, neither below 0: one for each run of digits that vary freely."""
    found = []
    while low <= high:
        free, step = 0, 1
        while low % (step * 10) == 0 and low + step * 10 - 1 <= high and low >= step * 10:
            free, step = free + 1, step * 10
        digit = low // step % 10
        most = min(9, digit + (high - low + 1) // step - 1)
        head = str(low // step)[:-1]
        digits = str(digit) if digit == most else f"[{digit}-{most}]"
        found.append(head + digits + "[0-9]" * free)
        low += step * (most - digit + 1)
    return found
