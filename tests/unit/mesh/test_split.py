"""The share in a VirtualRouter: what cannot be read or set is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from canario.errors import InvalidInput
from canario.mesh import appmesh
from canario.mesh.weights import APP_MESH_LARGEST, weights


def router(*routes: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "VirtualRouter", "metadata": {"name": "r", "namespace": "shop"}, "spec": {"routes": list(routes)}}


def route(name: str, *targets: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": list(targets)}}}


def target(name: str, weight: int = 1, **reference: str) -> dict[str, Any]:
    return {"virtualNodeRef": {"name": name, **reference}, "weight": weight}


def weighted(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return manifest["spec"]["routes"][0]["httpRoute"]["action"]["weightedTargets"]


def test_weights_are_relative() -> None:
    """The share is the canary's part of the weights, which need not add up to 100."""
    found = appmesh.read_share(router(route("all", target("old", 2), target("new", 1))), "old", "new")

    assert 1 / 3 == found


def test_a_canary_that_is_not_there_has_no_share() -> None:
    """A router that sends everything to the baseline gives the canary 0."""

    assert 0 == appmesh.read_share(router(route("all", target("old"))), "old", "new")


def test_other_routes_stay() -> None:
    """Routes that send to neither node are not part of the split and stay as they are."""
    admin = route("admin", target("admin", 7))
    changed = appmesh.set_share(router(admin, route("all", target("old"))), baseline="old", canary="new", share=0.25)

    assert [admin, route("all", target("old", 75), target("new", 25))] == changed["spec"]["routes"]


def test_every_route_of_the_split_is_set() -> None:
    """All routes that send to the two nodes get the same share."""
    both = router(route("a", target("old")), route("b", target("new"), target("old")))

    changed = appmesh.set_share(both, baseline="old", canary="new", share=1)

    assert 1 == appmesh.read_share(changed, "old", "new")


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (router(route("all", target("old"), target("third"))), "only old and new in one split"),
        (router(route("all", target("old"), target("new", namespace="other"))), "only old and new in one split"),
        (router(route("all", target("third"))), "a route to old or new"),
        (router(), "a route to old or new"),
    ],
)
def test_another_split_is_refused(manifest: dict[str, Any], reason: str) -> None:
    """A split with other nodes in it, or without the two, is neither read nor set."""
    with pytest.raises(InvalidInput, match=reason):
        appmesh.read_share(manifest, "old", "new")
    with pytest.raises(InvalidInput, match=reason):
        appmesh.set_share(manifest, baseline="old", canary="new", share=0.5)


def test_routes_that_disagree_have_no_share() -> None:
    """When two routes split differently there is no one share to read."""
    manifest = router(route("a", target("old")), route("b", target("new")))

    with pytest.raises(InvalidInput, match="the same share of the canary in every route"):
        appmesh.read_share(manifest, "old", "new")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_no_share(share: float) -> None:
    """A share is a number from 0 to 1."""
    with pytest.raises(InvalidInput, match=r"share: .* a number from 0 to 1"):
        weights(share, largest=APP_MESH_LARGEST)


def test_the_smallest_share() -> None:
    """Less than App Mesh can write becomes the smallest it can: 1 in 101."""

    assert (100, 1) == weights(0.0001, largest=APP_MESH_LARGEST)


def test_withdraw_third_node() -> None:
    """A rollback takes the canary's traffic even from a split that somebody else has changed."""
    manifest = router(route("all", target("old", 50), target("new", 25), target("other", 25)))

    changed = appmesh.withdraw(manifest, baseline="old", canary="new")

    assert [50, 0, 25] == [each["weight"] for each in weighted(changed)]


def test_withdraw_from_a_canary_that_has_everything() -> None:
    """The baseline gets the traffic back, also where it had been taken out of the split."""
    changed = appmesh.withdraw(router(route("all", target("new", 100))), baseline="old", canary="new")

    assert [("new", 0), ("old", 100)] == [
        (each["virtualNodeRef"]["name"], each["weight"]) for each in weighted(changed)
    ]


def test_withdraw_leaves_other_routes_alone() -> None:
    """What never sent to the canary is not touched."""
    manifest = router(route("admin", target("admin")), route("all", target("old", 9), target("new", 1)))

    changed = appmesh.withdraw(manifest, baseline="old", canary="new")

    assert weighted(manifest) == weighted(changed)
