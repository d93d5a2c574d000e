"""The dialect of App Mesh: `appmesh.k8s.aws/v1beta2` manifests to the model and back.

Manifests follow the controller's CRDs. What the model has no words for is refused by its path
(InvalidInput); `status`, labels and annotations say nothing about a mesh and are not read. Default names are
the controller's: `<name>_<namespace>` for nodes and routers, `<name>.<namespace>` for services.
"""

from canario.mesh.appmesh_names import API_VERSION
from canario.mesh.appmesh_parse import parse, parse_mesh, parse_node, parse_router, parse_service
from canario.mesh.appmesh_render import render
from canario.mesh.appmesh_split import read_share, set_share, withdraw

__all__ = [
    "API_VERSION",
    "parse",
    "parse_mesh",
    "parse_node",
    "parse_router",
    "parse_service",
    "read_share",
    "render",
    "set_share",
    "withdraw",
]
