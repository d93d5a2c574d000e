"""A gateway's route and the routes of its service in one: what a request at a gateway comes to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from canario.mesh.gateway_matches import unwritable
from canario.mesh.gateways import GatewayRoute, Rewrite
from canario.mesh.matches import GrpcMatch, How, Match, Text
from canario.mesh.model import Mesh, Route, Target, ToNode, ToRouter


@dataclass(frozen=True)
class Seen:
    """A rule at the gateway that does what a gateway's route and one of its service's routes do one after the other."""

    route: GatewayRoute  # matches and rewrites at once
    targets: tuple[Target, ...]
    timeout_ms: int | None = None


def through_gateway(mesh: Mesh, route: GatewayRoute) -> tuple[Seen, ...]:
    """The rules in the order in which they are tried. Empty when nothing answers to the service, or no way is known to
    say both at once.
    """
    service = mesh.service(route.service)
    match service.provider if service else None:
        case ToNode(node):
            return (Seen(route, (Target(node, 1, route.port),)),)
        case ToRouter(ref):
            router = mesh.router(ref)
            return tuple(seen for each in (router.ordered if router else ()) for seen in _both(route, each))
    return ()


def takes_all_of(route: GatewayRoute, seen: Seen) -> bool:
    """Whether every request that the gateway's route takes is this rule's."""
    return seen.route.match == route.match


def is_whole(mesh: Mesh, route: GatewayRoute) -> bool:
    """Whether every route of the service's router is among the rules that `through_gateway` gives, or out of reach."""
    service = mesh.service(route.service)
    router = mesh.router(service.provider.router) if service and isinstance(service.provider, ToRouter) else None
    return all(_is_said(route, each) for each in (router.routes if router else ()))


def _both(route: GatewayRoute, behind: Route) -> Iterator[Seen]:
    if any(unwritable(behind.match)):
        return
    if takes_everything(behind):
        yield Seen(route, behind.targets, behind.timeout.request_ms)
    elif isinstance(route.match, Match) and isinstance(behind.match, Match):
        paths = _paths(route.match, route.rewrite, behind.match)
        if paths and not (route.match.method and behind.match.method):
            match, rewrite = paths
            said = replace(
                match,
                method=route.match.method or behind.match.method,
                headers=(*route.match.headers, *behind.match.headers),
                query=(*route.match.query, *behind.match.query),
            )
            yield Seen(replace(route, match=said, rewrite=rewrite), behind.targets, behind.timeout.request_ms)


def takes_everything(route: Route) -> bool:
    return route.match == type(route.match)()


def _paths(front: Match, rewrite: Rewrite, behind: Match) -> tuple[Match, Rewrite] | None:
    """The match and the rewrite of both; None when no request passes both, or one rule cannot say them."""
    if front.prefix is None or (behind.path and behind.path.how is not How.EXACT):
        return (front, rewrite) if behind.prefix == "/" and behind.path is None else None
    old, new = front.prefix, front.prefix if rewrite.prefix is None else rewrite.prefix
    asked = behind.path.value if behind.path else behind.prefix or "/"
    if asked.startswith(new):
        longer = f"{old.rstrip('/')}/{asked[len(new) :].lstrip('/')}"
        if behind.path:
            exact = Text(How.EXACT, longer)
            return replace(front, prefix=None, path=exact), replace(rewrite, prefix="/", path=_changed(longer, asked))
        return replace(front, prefix=longer), replace(rewrite, prefix=_changed(longer, asked))
    return (front, rewrite) if behind.path is None and new.startswith(asked) else None


def _changed(old: str, new: str) -> str | None:
    return None if old == new else new


def _is_said(route: GatewayRoute, behind: Route) -> bool:
    if any(_both(route, behind)):
        return True
    return isinstance(route.match, Match) and isinstance(behind.match, Match) and _are_apart(route, behind.match)


def _are_apart(route: GatewayRoute, behind: Match) -> bool:
    """Whether no request that comes through the gateway's route can match, as far as prefixes tell."""
    front = route.match
    if not isinstance(front, Match) or front.prefix is None or isinstance(front, GrpcMatch):
        return False
    new = front.prefix if route.rewrite.prefix is None else route.rewrite.prefix
    asked = behind.prefix if behind.path is None else behind.path.value
    regex = behind.path is not None and behind.path.how is How.REGEX
    return asked is not None and not regex and not asked.startswith(new) and not new.startswith(asked)
