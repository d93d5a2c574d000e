"""The App Mesh dialect: the workshop's own manifests, defaults, and what is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from canario.errors import InvalidInput
from canario.mesh import appmesh
from canario.mesh.model import (
    CloudMap,
    Egress,
    Hostname,
    Match,
    Mesh,
    Node,
    Operator,
    Port,
    Ref,
    Requirement,
    Route,
    Router,
    Selector,
    Service,
    Target,
    ToNode,
    ToRouter,
    problems_of_node,
    problems_of_router,
    problems_of_service,
)
from tests.unit.mesh.schemas import refused

MANIFESTS = Path(__file__).parent / "workshop.yaml"  # after the workshop's canary section
NAMESPACE = "appmesh-workshop-ns"


@pytest.fixture
def manifests() -> dict[str, Any]:
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in yaml.safe_load_all(MANIFESTS.read_text())}


def test_the_workshops_mesh(manifests: dict[str, Any]) -> None:
    """The workshop's manifests mean what the workshop says: one service, split 2 to 1 between two nodes."""
    v1, v2 = Ref(NAMESPACE, "nodejs-app"), Ref(NAMESPACE, "nodejsv2-app")
    router = Ref(NAMESPACE, "nodejs-router")

    expected = Mesh(
        "app-mesh",
        "app-mesh",
        Selector((("mesh", "app-mesh"),)),
        nodes=(
            Node(
                v1,
                f"nodejs-app_{NAMESPACE}",
                Selector((("app", "nodejs-app"),)),
                (Port(3000),),
                Hostname("internal-1.us-west-1.elb.amazonaws.com"),
            ),
            Node(
                v2,
                f"nodejsv2-app_{NAMESPACE}",
                Selector((("app", "nodejsv2-app"),)),
                (Port(3000),),
                CloudMap("appmesh.pvt.local", "nodejsv2"),
            ),
        ),
        routers=(
            Router(
                router,
                f"nodejs-router_{NAMESPACE}",
                (Port(3000),),
                (Route("route-to-nodejs-app", (Target(v1, 2), Target(v2, 1))),),
            ),
        ),
        services=(Service(Ref(NAMESPACE, "nodejs"), "nodejs.appmeshworkshop.hosted.local", ToRouter(router)),),
    )
    assert expected == appmesh.parse(list(manifests.values()))


def test_the_workshops_manifests_are_valid(manifests: dict[str, Any]) -> None:
    """The workshop's manifests satisfy the CRDs, and so does what is rendered from them."""
    rendered = appmesh.render(appmesh.parse(list(manifests.values())))

    assert [] == [trouble for each in (*manifests.values(), *rendered) for trouble in refused(each)]


def test_rendering_says_no_more_than_the_author_did(manifests: dict[str, Any]) -> None:
    """Names that are the controller's defaults are left out, so the workshop's manifests come back as they were."""

    assert list(manifests.values()) == appmesh.render(appmesh.parse(list(manifests.values())))


def test_labels() -> None:
    """Rendered manifests carry the labels they are given."""
    rendered = appmesh.render(Mesh("m", "m"), labels={"canario/workshop": "turma-01"})

    assert {"name": "m", "labels": {"canario/workshop": "turma-01"}} == rendered[0]["metadata"]


def test_what_the_controller_fills_in_is_understood(manifests: dict[str, Any]) -> None:
    """A manifest means the same after the controller has written awsName, meshRef and status on it."""
    node = manifests["VirtualNode/nodejs-app"]
    written = copy.deepcopy(node)
    written["spec"] |= {"awsName": f"nodejs-app_{NAMESPACE}", "meshRef": {"name": "app-mesh", "uid": "1"}}
    written["status"] = {"conditions": []}

    assert appmesh.parse_node(node) == appmesh.parse_node(written)


def test_egress(manifests: dict[str, Any]) -> None:
    """The egress filter is DROP_ALL unless the manifest says otherwise."""
    mesh = manifests["Mesh/app-mesh"]
    opened = copy.deepcopy(mesh)
    opened["spec"]["egressFilter"] = {"type": "ALLOW_ALL"}

    assert Egress.DROP_ALL == appmesh.parse_mesh(mesh).egress
    assert Egress.ALLOW_ALL == appmesh.parse_mesh(opened).egress


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("Mesh/app-mesh", {"meshOwner": "1"}, "Mesh app-mesh: spec.meshOwner"),
        ("Mesh/app-mesh", {"egressFilter": {"type": "SOME"}}, "Mesh app-mesh: spec.egressFilter.type"),
        (
            "VirtualNode/nodejs-app",
            {"backendDefaults": {"other": {}}},
            f"VirtualNode {NAMESPACE}/nodejs-app: spec.backendDefaults.other",
        ),
        (
            "VirtualNode/nodejs-app",
            {"listeners": [{"portMapping": {"port": 1, "protocol": "http"}, "tls": {}}]},
            f"VirtualNode {NAMESPACE}/nodejs-app: spec.listeners[0].tls.mode",
        ),
        (
            "VirtualNode/nodejs-app",
            {"listeners": [{"portMapping": {"port": "1", "protocol": "http"}}]},
            f"VirtualNode {NAMESPACE}/nodejs-app: spec.listeners[0].portMapping.port",
        ),
        (
            "VirtualNode/nodejs-app",
            {"serviceDiscovery": {"dns": {"hostname": "a"}, "awsCloudMap": {"namespaceName": "a"}}},
            f"VirtualNode {NAMESPACE}/nodejs-app: spec.serviceDiscovery",
        ),
        (
            "VirtualRouter/nodejs-router",
            {"routes": [{"name": "r", "udpRoute": {"action": {}}}]},
            f"VirtualRouter {NAMESPACE}/nodejs-router: spec.routes[0].udpRoute",
        ),
        (
            "VirtualRouter/nodejs-router",
            {"routes": [{"name": "r", "httpRoute": {"match": {"prefix": "/", "cookie": "a"}, "action": {}}}]},
            f"VirtualRouter {NAMESPACE}/nodejs-router: spec.routes[0].httpRoute.match.cookie",
        ),
    ],
)
def test_what_has_no_words_is_refused(manifests: dict[str, Any], name: str, change: dict[str, Any], field: str) -> None:
    """A field that the model cannot hold is refused by its path; none is dropped."""
    manifest = copy.deepcopy(manifests[name])
    manifest["spec"] |= change

    with pytest.raises(InvalidInput) as caught:
        appmesh.parse([*(each for key, each in manifests.items() if key != name), manifest])

    assert field == caught.value.field


def test_one_mesh(manifests: dict[str, Any]) -> None:
    """Manifests of no mesh, or of two, are refused."""
    mesh = manifests.pop("Mesh/app-mesh")

    for several in ([], [mesh, mesh]):
        with pytest.raises(InvalidInput, match="exactly one"):
            appmesh.parse([*manifests.values(), *several])


def test_another_mesh(manifests: dict[str, Any]) -> None:
    """An object that says it belongs to another mesh is refused."""
    manifests["VirtualNode/nodejs-app"]["spec"]["meshRef"] = {"name": "other", "uid": "1"}

    with pytest.raises(InvalidInput, match=r"meshRef.name: 'other' is not allowed; allowed: app-mesh"):
        appmesh.parse(list(manifests.values()))


def test_references() -> None:
    """References to what the mesh does not have are found, and named."""
    missing = Ref("shop", "gone")
    node = Node(Ref("shop", "node"), "node", calls=(missing,))
    router = Router(Ref("shop", "router"), "router", (), (Route("all", (Target(missing, 1),)),))
    services = [Service(Ref("shop", "a"), "a", ToNode(missing)), Service(Ref("shop", "b"), "b", ToRouter(missing))]
    mesh = Mesh("m", "m", nodes=(node,), routers=(router,), services=tuple(services))

    assert ["calls service shop/gone, which is not in mesh m"] == list(problems_of_node(mesh, node))
    assert ["its route all sends to node shop/gone, which is not in mesh m"] == list(problems_of_router(mesh, router))
    assert [
        "is provided by node shop/gone, which is not in mesh m",
        "is provided by router shop/gone, which is not in mesh m",
    ] == [problem for service in services for problem in problems_of_service(mesh, service)]


def test_order_of_routes() -> None:
    """The lowest priority is tried first, routes without one last, and among those the longest prefix first."""
    targets = (Target(Ref("shop", "node"), 1),)
    routes = (
        Route("all", targets),
        Route("long", targets, Match("/a/b")),
        Route("second", targets, priority=2),
        Route("first", targets, priority=1),
    )

    ordered = Router(Ref("shop", "router"), "router", (), routes).ordered

    assert ["first", "second", "long", "all"] == [route.name for route in ordered]


@pytest.mark.parametrize(
    ("requirement", "matches"),
    [
        (Requirement("app", Operator.IN, ("a", "b")), True),
        (Requirement("app", Operator.NOT_IN, ("a",)), False),
        (Requirement("other", Operator.NOT_IN, ("a",)), True),
        (Requirement("app", Operator.EXISTS), True),
        (Requirement("app", Operator.DOES_NOT_EXIST), False),
    ],
)
def test_selector_expressions(requirement: Requirement, matches: bool) -> None:
    """Expressions select as Kubernetes has it."""

    assert matches == Selector(requirements=(requirement,)).matches({"app": "a"})


def test_empty_selector() -> None:
    """An empty selector selects everything."""

    assert Selector().matches({})
