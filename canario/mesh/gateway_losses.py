"""What Gateway API and Istio cannot do of a mesh, said by the App Mesh field that asks for it."""

from canario.mesh.gateway_loss import Loss
from canario.mesh.gateway_losses_nodes import of_gateway, of_node
from canario.mesh.gateway_losses_routes import of_gateway_route, of_router, of_service
from canario.mesh.model import Mesh

__all__ = ["Loss", "losses"]


def losses(mesh: Mesh) -> list[Loss]:
    """Everything that is lost or differs, object by object in the mesh's order."""
    return [
        *(each for node in mesh.nodes for each in of_node(mesh, node)),
        *(each for router in mesh.routers for each in of_router(mesh, router)),
        *(each for service in mesh.services for each in of_service(mesh, service)),
        *(each for gateway in mesh.gateways for each in of_gateway(mesh, gateway)),
        *(each for route in mesh.gateway_routes for each in of_gateway_route(mesh, route)),
    ]
