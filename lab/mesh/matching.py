"""A match of the model as Envoy's RouteMatch. Pure."""

from __future__ import annotations

import re

from canario.mesh.matches import AnyMatch, GrpcMatch, Header, How, Match, Query, Range, TcpMatch, Text
from lab.envoy.files import Resource

CONNECT: Resource = {"connect_matcher": {}}  # HTTP's CONNECT, which matches nothing else


def route_match(match: AnyMatch) -> Resource:
    """What Envoy takes for it. A TCP route is what a client asks its proxy for by CONNECT."""
    match match:
        case Match():
            return _http(match)
        case GrpcMatch():
            return _grpc(match)
        case TcpMatch():
            return CONNECT


def _http(match: Match) -> Resource:
    headers = [_header(header) for header in match.headers]
    if match.method:
        headers.append(_exactly(":method", match.method))
    if match.scheme:
        headers.append(_exactly(":scheme", match.scheme))
    return _with(_path(match), [*headers, *_host(match.host)], [_query(query) for query in match.query])


def _path(match: Match) -> Resource:
    if match.path is None:
        return {"prefix": match.prefix or "/"}
    if match.path.how is How.EXACT:
        return {"path": match.path.value}
    return {"safe_regex": {"regex": match.path.value}}


def _grpc(match: GrpcMatch) -> Resource:
    headers = [*(_header(header) for header in match.metadata), *_host(match.host)]
    if match.service and match.method:
        path = {"path": f"/{match.service}/{match.method}"}
    else:
        path = {"prefix": f"/{match.service}/" if match.service else "/"}
    return {**_with(path, headers, []), "grpc": {}}


def _with(path: Resource, headers: list[Resource], query: list[Resource]) -> Resource:
    more = {"headers": headers, "query_parameters": query}
    return {**path, **{key: value for key, value in more.items() if value}}


def _header(header: Header) -> Resource:
    test: Resource
    match header.value:
        case Text() as text:
            test = {"string_match": _string(text)}
        case Range(start, end):
            test = {"range_match": {"start": start, "end": end}}
        case None:
            test = {"present_match": True}
    return {"name": header.name, **test, **({"invert_match": True} if header.invert else {})}


def _string(text: Text) -> Resource:
    if text.how is How.REGEX:
        return {"safe_regex": {"regex": text.value}}
    return {str(text.how): text.value}


def _exactly(name: str, value: str) -> Resource:
    return {"name": name, "string_match": {"exact": value}}


def _host(host: Text | None) -> list[Resource]:
    """Of the request's Host, whose port and letter case do not matter."""
    if host is None:
        return []
    before = ".*" if host.how is How.SUFFIX else ""
    regex = f"(?i){before}{re.escape(host.value)}(:[0-9]+)?"
    return [{"name": ":authority", "string_match": {"safe_regex": {"regex": regex}}}]


def _query(query: Query) -> Resource:
    if query.value is None:
        return {"name": query.name, "present_match": True}
    return {"name": query.name, "string_match": {"exact": query.value}}
