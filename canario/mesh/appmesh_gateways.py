"""VirtualGateway, GatewayRoute and BackendGroup: read and written."""

from collections.abc import Mapping
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.appmesh_matches import match_spec, read_gateway_match
from canario.mesh.appmesh_names import GATEWAY_ROUTE_KINDS, Manifest, default_name
from canario.mesh.appmesh_policies import log_spec, port_spec, read_log, read_port
from canario.mesh.appmesh_reading import only_one, plain_reference, ref_of, reference, selector, spec_of
from canario.mesh.appmesh_tls import parse_default_tls, render_client_tls
from canario.mesh.appmesh_writing import reference_to, selector_spec, unless, without_none
from canario.mesh.fields import Fields
from canario.mesh.gateways import Gateway, GatewayRoute, Rewrite
from canario.mesh.matches import Match
from canario.mesh.model import BackendGroup

_ENABLED, _DISABLED = "ENABLED", "DISABLED"


def parse_gateway(manifest: Mapping[str, Any]) -> Gateway:
    ref = ref_of(manifest)
    with spec_of(manifest) as spec:
        spec.skip("meshRef")
        return Gateway(
            ref,
            known_as=spec.text_or("awsName", default_name(ref)),
            selector=selector(spec, "podSelector"),
            ports=tuple(read_port(listener) for listener in spec.items("listeners")),
            namespaces=selector(spec, "namespaceSelector"),
            routes=selector(spec, "gatewayRouteSelector"),
            log=read_log(spec),
            tls=parse_default_tls(spec),
        )


def gateway_spec(gateway: Gateway) -> Manifest:
    return without_none(
        awsName=unless(gateway.known_as, default_name(gateway.ref)),
        namespaceSelector=selector_spec(gateway.namespaces),
        gatewayRouteSelector=selector_spec(gateway.routes),
        podSelector=selector_spec(gateway.selector),
        listeners=[port_spec(port) for port in gateway.ports] or None,
        logging=log_spec(gateway.log),
        backendDefaults=render_client_tls(gateway.tls) or None,
    )


def parse_gateway_route(manifest: Mapping[str, Any]) -> GatewayRoute:
    ref = ref_of(manifest)
    with spec_of(manifest) as spec:
        spec.skip("meshRef", "virtualGatewayRef", *GATEWAY_ROUTE_KINDS.values())
        kind = only_one(spec, *GATEWAY_ROUTE_KINDS.values())
        if kind is None:
            raise InvalidInput(spec.path, None, f"one of {', '.join(GATEWAY_ROUTE_KINDS.values())}")
        protocol = next(protocol for protocol, key in GATEWAY_ROUTE_KINDS.items() if key == kind)
        known_as, priority = spec.text_or("awsName", default_name(ref)), spec.number_or_none("priority")
        with spec.inner(kind) as rule, rule.inner("action") as action, action.inner("target") as target:
            match = read_gateway_match(rule.inner("match"), protocol)
            rewrite = _rewrite(action, match)
            with target.inner("virtualService") as service:
                to = reference(service, "virtualServiceRef", ref)
            return GatewayRoute(ref, known_as, to, match, rewrite, priority, protocol, target.number_or_none("port"))


def gateway_route_spec(route: GatewayRoute) -> Manifest:
    service = {"virtualServiceRef": reference_to(route.service, route.ref)}
    target = without_none(virtualService=service, port=route.port)
    action = without_none(target=target, rewrite=_rewrite_spec(route.rewrite))
    return without_none(
        awsName=unless(route.known_as, default_name(route.ref)),
        priority=route.priority,
        **{GATEWAY_ROUTE_KINDS[route.protocol]: {"match": match_spec(route.match) or {}, "action": action}},
    )


def parse_group(manifest: Mapping[str, Any]) -> BackendGroup:
    ref = ref_of(manifest)
    with spec_of(manifest) as spec:
        spec.skip("meshRef")
        found = []
        for service in spec.items("virtualservices"):
            with service:
                found.append(plain_reference(service, ref))
        return BackendGroup(ref, tuple(found))


def group_spec(group: BackendGroup) -> Manifest:
    return {"virtualservices": [reference_to(ref, group.ref) for ref in group.services]}


def _rewrite(action: Fields, match: object) -> Rewrite:
    fields = action.inner_or_none("rewrite")
    if fields is None:
        return Rewrite()
    with fields:
        path, prefix, host = (fields.inner_or_none(name) for name in ("path", "prefix", "hostname"))
        exact = _exact(path) if path else None
        whole = isinstance(match, Match) and match.path is not None
        if exact is not None and not whole:
            raise InvalidInput(fields.where("path"), exact, "a rewrite of a prefix: the match has no path")
        if prefix is not None and whole:
            raise InvalidInput(fields.where("prefix"), "prefix", "a rewrite of the path: the match has no prefix")
        return Rewrite(_prefix(prefix) if prefix else "/", exact, _is_kept(host) if host else False)


def _exact(fields: Fields) -> str | None:
    with fields:
        return fields.text_or("exact", "") or None


def _prefix(fields: Fields) -> str | None:
    with fields:
        if only_one(fields, "defaultPrefix", "value") == "value":
            return fields.text("value")
        return None if _switch(fields, "defaultPrefix") == _DISABLED else "/"


def _is_kept(fields: Fields) -> bool:
    with fields:
        return _switch(fields, "defaultTargetHostname") == _DISABLED


def _switch(fields: Fields, name: str) -> str:
    value = fields.text_or(name, _ENABLED)
    if value not in (_ENABLED, _DISABLED):
        raise InvalidInput(fields.where(name), value, f"{_ENABLED}, {_DISABLED}")
    return value


def _rewrite_spec(rewrite: Rewrite) -> Manifest | None:
    prefix: Manifest | None = None
    if rewrite.prefix is None:
        prefix = {"defaultPrefix": _DISABLED}
    elif rewrite.prefix != "/":
        prefix = {"value": rewrite.prefix}
    host = {"defaultTargetHostname": _DISABLED} if rewrite.keep_host else None
    path = {"exact": rewrite.path} if rewrite.path else None
    return without_none(prefix=prefix, path=path, hostname=host) or None
