"""Matches of routes and gateway routes, as App Mesh manifests have them: read and written."""

from canario.errors import InvalidInput
from canario.mesh.appmesh_names import Manifest
from canario.mesh.appmesh_reading import only_one
from canario.mesh.appmesh_writing import without_none
from canario.mesh.fields import Fields
from canario.mesh.listeners import Protocol
from canario.mesh.matches import AnyMatch, GrpcMatch, Header, How, Match, Query, Range, TcpMatch, Text

_HEADER_TESTS = ("exact", "prefix", "suffix", "regex", "range")


def read_match(fields: Fields | None, protocol: Protocol) -> AnyMatch:
    """What stands under a route's `match`."""
    if protocol is Protocol.TCP:
        return _tcp(fields) if fields else TcpMatch()
    return _request(fields, protocol, gateway=False) if fields else Match()


def read_gateway_match(fields: Fields, protocol: Protocol) -> Match | GrpcMatch:
    """What stands under a gateway route's `match`: it knows the host, but no scheme and no gRPC method."""
    return _request(fields, protocol, gateway=True)


def _request(fields: Fields, protocol: Protocol, *, gateway: bool) -> Match | GrpcMatch:
    with fields:
        return _grpc(fields, gateway) if protocol is Protocol.GRPC else _http(fields, gateway)


def _tcp(fields: Fields) -> TcpMatch:
    with fields:
        return TcpMatch(fields.number_or_none("port"))


def match_spec(match: AnyMatch) -> Manifest | None:
    match match:
        case Match():
            return _http_spec(match)
        case GrpcMatch():
            return _grpc_spec(match)
        case TcpMatch(port):
            return {"port": port} if port is not None else None


def _http(fields: Fields, gateway: bool) -> Match:
    path = _text(fields.inner_or_none("path"), How.EXACT, How.REGEX)
    prefix = fields.text_or("prefix", "") or None
    if path and prefix:
        raise InvalidInput(fields.path, ["path", "prefix"], "one of the two")
    return Match(
        prefix=prefix if path or prefix else "/",
        path=path,
        method=fields.text_or("method", "") or None,
        scheme=None if gateway else fields.text_or("scheme", "") or None,
        headers=tuple(_header(header) for header in fields.items("headers")),
        query=tuple(_query(query) for query in fields.items("queryParameters")),
        host=_host(fields) if gateway else None,
        port=fields.number_or_none("port"),
    )


def _http_spec(match: Match) -> Manifest:
    query = [without_none(name=q.name, match={"exact": q.value} if q.value is not None else None) for q in match.query]
    return without_none(
        prefix=match.prefix,
        path=_text_spec(match.path),
        method=match.method,
        scheme=match.scheme,
        headers=[_header_spec(header) for header in match.headers] or None,
        queryParameters=query or None,
        hostname=_text_spec(match.host),
        port=match.port,
    )


def _grpc(fields: Fields, gateway: bool) -> GrpcMatch:
    service, method = fields.text_or("serviceName", ""), None if gateway else fields.text_or("methodName", "")
    if method and not service:
        raise InvalidInput(fields.where("methodName"), method, "a method of a serviceName, which is missing")
    return GrpcMatch(
        service or None,
        method or None,
        tuple(_header(header) for header in fields.items("metadata")),
        _host(fields) if gateway else None,
        fields.number_or_none("port"),
    )


def _grpc_spec(match: GrpcMatch) -> Manifest:
    return without_none(
        serviceName=match.service,
        methodName=match.method,
        metadata=[_header_spec(header) for header in match.metadata] or None,
        hostname=_text_spec(match.host),
        port=match.port,
    )


def _host(fields: Fields) -> Text | None:
    return _text(fields.inner_or_none("hostname"), How.EXACT, How.SUFFIX)


def _text(fields: Fields | None, *allowed: How) -> Text | None:
    if fields is None:
        return None
    with fields:
        how = only_one(fields, *allowed)
        return Text(How(how), fields.text(how)) if how else None


def _text_spec(text: Text | None) -> Manifest | None:
    return {str(text.how): text.value} if text else None


def _header(fields: Fields) -> Header:
    with fields:
        name, invert = fields.text("name"), fields.flag_or("invert", False)
        test = fields.inner_or_none("match")
        return Header(name, _value(test) if test else None, invert)


def _value(test: Fields) -> Text | Range | None:
    with test:
        how = only_one(test, *_HEADER_TESTS)
        if how != "range":
            return Text(How(how), test.text(how)) if how else None
        with test.inner("range") as limits:
            return Range(limits.number("start"), limits.number("end"))


def _header_spec(header: Header) -> Manifest:
    test: Manifest | None = None
    match header.value:
        case Text() as text:
            test = _text_spec(text)
        case Range(start, end):
            test = {"range": {"start": start, "end": end}}
    return without_none(name=header.name, match=test, invert=header.invert or None)


def _query(fields: Fields) -> Query:
    with fields:
        name, test = fields.text("name"), fields.inner_or_none("match")
        if test is None:
            return Query(name)
        with test:
            return Query(name, test.text("exact") if test.present("exact") else None)
