"""What holds for every mesh, every share, every router."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canario.mesh import appmesh
from canario.mesh.model import Mesh
from canario.mesh.weights import APP_MESH_LARGEST, GATEWAY_LARGEST, share_of, weights
from tests.properties.mesh_strategies import meshes
from tests.unit.mesh.schemas import refused

shares = st.floats(0, 1)
patient = settings(deadline=None)  # a busy machine is no failure
largest = st.sampled_from([APP_MESH_LARGEST, GATEWAY_LARGEST])


@patient
@given(meshes)
def test_round_trip(mesh: Mesh) -> None:
    """What is rendered as App Mesh manifests is parsed back as it was."""

    assert mesh == appmesh.parse(appmesh.render(mesh))


@patient
@given(meshes)
def test_rendered_manifests_are_valid(mesh: Mesh) -> None:
    """Every rendered manifest satisfies its CRD's schema, unknown fields refused."""

    assert [] == [trouble for manifest in appmesh.render(mesh) for trouble in refused(manifest)]


@patient
@given(shares, largest)
def test_weights_are_writable(share: float, largest: int) -> None:
    """Weights are whole numbers from 0 to the dialect's largest, and not both 0."""
    baseline, canary = weights(share, largest=largest)

    assert 0 <= baseline <= largest
    assert 0 <= canary <= largest
    assert baseline + canary > 0


@patient
@given(shares, largest)
def test_never_more_than_asked(share: float, largest: int) -> None:
    """What is written is at most what was asked, unless that is less than the smallest that can be written."""
    written = share_of(weights(share, largest=largest))

    assert written <= share or written == share_of((largest, 1))
    assert (written == 0) == (share == 0)
    assert (written == 1) == (share == 1)


@patient
@given(shares, largest)
def test_hardly_less_than_asked(share: float, largest: int) -> None:
    """What is written falls short of what was asked by less than one step of the dialect's weights."""

    assert share - share_of(weights(share, largest=largest)) < 1 / largest


@patient
@given(shares, shares, largest)
def test_more_asked_is_never_less(one: float, other: float, largest: int) -> None:
    """Of two shares, the larger one is never written as the smaller."""
    low, high = sorted((one, other))

    assert share_of(weights(low, largest=largest)) <= share_of(weights(high, largest=largest))


@patient
@given(st.integers(1, 99))
def test_percentages_read_like_percentages(percent: int) -> None:
    """A whole percentage is written as that percentage."""

    assert (100 - percent, percent) == weights(percent / 100, largest=APP_MESH_LARGEST)


@patient
@given(shares, st.integers(0, 100), st.sampled_from(["both", "baseline", "canary"]))
def test_share_that_was_set_is_read(share: float, weight: int, present: str) -> None:
    """A router's share reads as it was set, whatever was there before, and nothing else of it changes."""
    router = _router({"both": ("old", "new"), "baseline": ("old",), "canary": ("new",)}[present], weight)
    before = copy.deepcopy(router)

    changed = appmesh.set_share(router, baseline="old", canary="new", share=share)

    assert before == router
    assert appmesh.read_share(changed, "old", "new") == pytest.approx(
        share_of(weights(share, largest=APP_MESH_LARGEST))
    )
    changed["spec"]["routes"][0]["httpRoute"]["action"] = before["spec"]["routes"][0]["httpRoute"]["action"]
    assert before == changed


def _router(nodes: tuple[str, ...], weight: int) -> dict:
    targets = [{"virtualNodeRef": {"name": name}, "weight": weight} for name in nodes]
    rule = {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}, "timeout": {"idle": "kept"}}
    return {
        "apiVersion": appmesh.API_VERSION,
        "kind": "VirtualRouter",
        "metadata": {"name": "router", "namespace": "shop", "resourceVersion": "7"},
        "spec": {"awsName": "kept", "routes": [{"name": "all", "httpRoute": rule}]},
    }
