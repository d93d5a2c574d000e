"""What is asked about permissions, and how what is missing is said."""

from collections.abc import Sequence

from canario.adapters.permissions import Access, Need, needs
from canario.errors import RemoteError
from canario.workshop.kinds import DEPLOYMENT, POD
from canario.workshop.ports import Kind

CREATE = Need("create", DEPLOYMENT)
PROXY = Need("get", POD, "proxy")


class Cluster:
    """Refuses what is in `refused`; `asked` is every question."""

    def __init__(self, *refused: str, reviews: bool = True) -> None:
        self.refused, self.reviews = refused, reviews
        self.asked: list[tuple[str, str, str]] = []

    def allowed(self, verb: str, resource: str, group: str = "", namespace: str | None = None) -> bool | None:
        self.asked.append((verb, resource, group))
        return resource not in self.refused if self.reviews else None

    def list(self, kind: Kind) -> Sequence[object]:
        if kind.plural in self.refused:
            raise RemoteError(f"listing {kind.plural}: forbidden")
        return []


def denied() -> None:
    raise RemoteError("listing the records of the zone Z: AccessDenied: no")


def test_everything_that_was_asked_is_said():
    """The cluster's verbs and the calls to AWS are named, whether or not they are allowed."""
    access = Access(Cluster("pods/proxy"), {"list records": denied}, [CREATE, PROXY])

    assert ["create deployments.apps", "get pods/proxy", "list records"] == access.tried()


def test_what_is_missing_is_said_with_the_reason():
    """A refused verb and a refused call are both named; the call with what AWS said."""
    access = Access(Cluster("pods/proxy"), {"list records": denied, "read": lambda: None}, [CREATE, PROXY])

    expected = ["get pods/proxy", "list records (listing the records of the zone Z: AccessDenied: no)"]
    assert expected == access.missing()


def test_each_permission_is_asked_for_once():
    """`tried` and `missing` tell of the same answers."""
    cluster = Cluster()
    access = Access(cluster, {}, [CREATE, PROXY])
    access.tried()
    access.missing()

    assert [("create", "deployments", "apps"), ("get", "pods/proxy", "")] == cluster.asked


def test_without_reviews_only_reading_is_tried():
    """A cluster that reviews no access is asked by listing; what was not tried is not claimed."""
    access = Access(Cluster("pods", reviews=False), {}, [CREATE, PROXY, Need("list", POD), Need("list", DEPLOYMENT)])

    assert ["list pods", "list deployments.apps"] == access.tried()
    assert ["list pods (listing pods: forbidden)"] == access.missing()


def test_the_stages_needs_are_all_different():
    """No permission is asked for twice under the same words."""
    found = needs(("appmesh", "gateway"))

    assert len(found) == len({str(need) for need in found})
