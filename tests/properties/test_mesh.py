"""What holds for every mesh, every share, every router."""

import copy
import json
import re
from types import ModuleType

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from canario.mesh import appmesh, gateway
from canario.mesh.gateway_losses import losses
from canario.mesh.gateway_matches import range_pattern
from canario.mesh.gateway_names import NOTES
from canario.mesh.model import Mesh, Ref
from canario.mesh.weights import APP_MESH_LARGEST, GATEWAY_LARGEST, share_of, weights
from tests.properties.mesh_strategies import meshes
from tests.unit.mesh.schemas import refused

shares = st.floats(0, 1)
patient = settings(deadline=None)  # a busy machine is no failure
frugal = settings(
    deadline=None, max_examples=30, phases=[p for p in Phase if p is not Phase.shrink]
)  # whole meshes are large
largest = st.sampled_from([APP_MESH_LARGEST, GATEWAY_LARGEST])


dialects = pytest.mark.parametrize("dialect", [appmesh, gateway], ids=["appmesh", "gateway"])

# What Istio has no use for: names outside Kubernetes, how pods were found, in which order things were written.
NOT_BEHAVIOUR = {"known_as", "ref", "discovery", "ports", "host", "name", "protocol", "priority", "order"}


@frugal
@dialects
@given(mesh=meshes)
def test_round_trip(dialect: ModuleType, mesh: Mesh) -> None:
    """What is rendered as manifests of a dialect is parsed back as it was."""

    assert mesh == dialect.parse(dialect.render(mesh))


@frugal
@dialects
@given(mesh=meshes)
def test_rendered_manifests_are_valid(dialect: ModuleType, mesh: Mesh) -> None:
    """Every rendered manifest satisfies its CRD's schema, unknown fields refused, and has a name of its own."""
    manifests = dialect.render(mesh)
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in manifests]

    assert [] == [trouble for manifest in manifests for trouble in refused(manifest)]
    assert len(set(names)) == len(names)


@frugal
@given(meshes)
def test_what_stands_only_in_a_note_is_listed_as_a_loss(mesh: Mesh) -> None:
    """Behaviour that native fields cannot say is said to whoever migrates: no note of a node or a route is silent."""
    said = {(loss.kind, loss.ref) for loss in losses(mesh)}
    kinds = {"node": "VirtualNode", "gateway": "VirtualGateway"}
    silent = []
    for manifest in gateway.render(mesh):
        notes = json.loads(manifest["metadata"]["annotations"].get(NOTES, "{}"))
        for role in kinds.keys() & notes.keys():
            if not notes[role].keys() <= NOT_BEHAVIOUR and (kinds[role], _named(role, notes, manifest)) not in said:
                silent.append((role, manifest["metadata"]["name"], notes[role]))

    assert [] == silent


def _named(role: str, notes: dict, manifest: dict) -> Ref:
    """What a note is about is called in the model."""
    if f"{role} is" in notes:
        return Ref(*notes[f"{role} is"].split("/"))
    named, metadata = notes[role].get("ref", {}), manifest["metadata"]
    return Ref(*(named.get(each, {}).get("=", metadata[each]) for each in ("namespace", "name")))


@given(st.integers(-200, 200), st.integers(-200, 2000), st.integers(-300, 3000))
def test_a_range_becomes_a_pattern_of_its_numbers(start: int, end: int, number: int) -> None:
    """A range of a header's value, written as a regular expression, takes exactly its numbers."""

    assert (start <= number < end) == bool(re.fullmatch(range_pattern(start, end), str(number)))


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
@given(shares, st.integers(0, 1000), st.sampled_from(["both", "baseline", "canary"]))
def test_share_that_was_set_in_a_route_is_read(share: float, weight: int, present: str) -> None:
    """An HTTPRoute's share reads as it was set in every rule, and nothing but its backends changes."""
    names = {"both": ("old", "new"), "baseline": ("old",), "canary": ("new",)}[present]
    backends = [{"name": name, "port": 80, "weight": weight} for name in names]
    rules = [{"backendRefs": copy.deepcopy(backends), "name": name} for name in ("one", "two")]
    route = {"kind": "HTTPRoute", "metadata": {"name": "r", "namespace": "shop"}, "spec": {"rules": rules}}
    before = copy.deepcopy(route)

    changed = gateway.set_share(route, baseline="old", canary="new", share=share)

    assert before == route
    assert gateway.read_share(changed, "old", "new") == pytest.approx(share_of(weights(share, largest=GATEWAY_LARGEST)))
    assert [80] * 4 == [backend["port"] for rule in changed["spec"]["rules"] for backend in rule["backendRefs"]]
    for rule, was in zip(changed["spec"]["rules"], before["spec"]["rules"], strict=True):
        rule["backendRefs"] = was["backendRefs"]
    assert before == changed


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
