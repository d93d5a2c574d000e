"""How a loss is said."""

from dataclasses import dataclass
from typing import Protocol

from canario.mesh.refs import Ref

Said = tuple[str, str, str, bool]  # field, what is lost, what to do, whether it is lost
LABEL = "give the pods a label of their own and select by it"


@dataclass(frozen=True)
class Loss:
    """One field of an App Mesh object that has no equal.

    `lost` is behaviour that ends; what is not lost behaves a little differently, and `says` how.
    """

    kind: str  # the App Mesh object's
    ref: Ref
    field: str  # such as `spec.listeners[0].healthCheck`
    says: str
    todo: str
    lost: bool = True


class Say(Protocol):
    """Makes the loss of one object's field."""

    def __call__(self, field: str, says: str, todo: str, lost: bool = True) -> Loss: ...
