"""What a stage asks of a mesh dialect: one object answers for App Mesh, one for Gateway API with Istio."""

from typing import Protocol

from canario.mesh.model import Discovery, Mesh
from canario.mesh.proxies import Proxy
from canario.workshop.names import Names
from canario.workshop.ports import Kind, Manifest, Ports


class Dialect(Protocol):
    """How the workshop's mesh is written down, and what its control plane makes of pods and objects."""

    @property
    def id(self) -> str:
        """As the execution's input names it."""

    @property
    def proxy(self) -> Proxy:
        """Its container in a pod, and where it says what it has in force."""

    @property
    def servers(self) -> tuple[str, ...]:
        """What the proxies' answers have in the header `server`."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of the mesh's objects in a namespace, in the order in which they are taken away."""

    @property
    def node(self) -> Kind:
        """What a node is written as."""

    @property
    def router(self) -> Kind:
        """What a router is written as."""

    @property
    def way_in(self) -> tuple[Kind, Kind]:
        """What a gateway and a gateway's route are written as."""

    @property
    def balanced(self) -> bool:
        """Whether the mesh finds the nodes by load balancers, until Cloud Map replaces these."""

    @property
    def largest(self) -> int:
        """The largest weight that a router can have."""

    def labels(self, names: Names) -> dict[str, str]:
        """The namespace's labels by which its new pods join the mesh."""

    def render(self, mesh: Mesh, names: Names) -> list[Manifest]:
        """The mesh's objects, with the workshop's label, by which `clean` finds them."""

    def inactive(self, manifest: Manifest) -> str | None:
        """Why the control plane has not taken the object; None when it has."""

    def objects(self, names: Names, ports: Ports) -> list[Manifest]:
        """The workshop's mesh as it is in the cluster. Raises NotReady when the mesh itself is not there."""

    def remove(self, names: Names, ports: Ports) -> None:
        """Take the workshop's mesh away; harmless when it is not there."""

    def discovery(self, names: Names, ports: Ports, service: str) -> Discovery:
        """How the mesh finds the service's node where Cloud Map does not. Raises NotReady."""

    def prepare(self, node: Manifest, ports: Ports) -> None:
        """What has to be done before this node can be applied over the one that is there."""

    def segment(self, names: Names, service: str) -> str:
        """What the segments of a service's proxies are called in X-Ray."""
