"""What differs between the mesh dialects, for every stage: the request's `mesh` chooses."""

from canario.workshop.dialects.appmesh import AppMesh
from canario.workshop.dialects.base import Dialect
from canario.workshop.dialects.gateway import GatewayApi
from canario.workshop.request import Request

__all__ = ["APP_MESH", "DIALECTS", "GATEWAY_API", "PROXIES", "Dialect", "dialect_of"]

APP_MESH = AppMesh()
GATEWAY_API = GatewayApi()
DIALECTS: dict[str, Dialect] = {each.id: each for each in (APP_MESH, GATEWAY_API)}
# Whoever wrote the pod: these are containers of proxies.
PROXIES = tuple(each.proxy.container for each in DIALECTS.values())


def dialect_of(request: Request) -> Dialect:
    return DIALECTS[request.mesh]
