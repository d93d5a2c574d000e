"""How many workshops fit."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from canario.canary import Plan
from canario.workshop.capacity import Room, Thing, needs, preflight, together
from canario.workshop.request import STAGES, Request
from canario.workshop.room import BALANCERS, from_dict, quantity, rooms, to_dict
from tests.fakes import FakeKubernetes, fake_ports

WHOLE = Request("turma-01", "appmesh", "auto", "clean", Plan())


def test_what_one_workshop_needs() -> None:
    """The most that it ever has: every replica with a rolling update's surplus, every load balancer that there was."""
    found = needs(WHOLE)

    # frontend 2+1, nodejs 4+1, crystal 2+1, nodejsv2 3+1, gateway 2+1
    assert 3 + 5 + 3 + 4 + 3 == found[Thing.PODS]
    assert (4, 3) == (found[Thing.BALANCERS], found[Thing.RECORDS])
    assert (3, 5 + 3 + 4) == (found[Thing.CLOUD_MAP_SERVICES], found[Thing.CLOUD_MAP_INSTANCES])
    assert 2 == found[Thing.EXECUTIONS]
    assert 15 * (50 + 10 + 10) + 3 * 10 == found[Thing.CPU]


def test_needs_grow_with_the_last_stage() -> None:
    """The farther a workshop goes, the more it takes; preflight alone takes nothing."""
    by_stage = [needs(replace(WHOLE, until=stage)) for stage in STAGES]

    assert not any(by_stage[0].values())
    for earlier, later in pairwise(by_stage):
        assert all(later[thing] >= earlier[thing] for thing in Thing)


def test_only_those_that_clean_make_room() -> None:
    """Ten that clean take what three at once take; ten that stay, or wait for attendees, take ten times as much."""
    one = needs(WHOLE)[Thing.BALANCERS]
    cleaning = [WHOLE] * 10
    staying = [replace(WHOLE, until="mtls")] * 10
    guided = [replace(WHOLE, mode="guided")] * 10

    assert 3 * one == together(cleaning, 3)[Thing.BALANCERS]
    assert 10 * one == together(staying, 3)[Thing.BALANCERS] == together(guided, 3)[Thing.BALANCERS]
    assert 6 == together(staying, 3)[Thing.FUNCTIONS]


@pytest.mark.parametrize(("limit", "fits"), [(8, True), (7, False), (None, None)])
def test_a_line_says_whether_it_fits(limit: float | None, fits: bool | None) -> None:
    """Needed is held against what is left of the limit, to the last one; an unknown limit decides nothing."""
    room = Room(Thing.BALANCERS, limit and limit + 5, 5, "Service Quotas")
    (line,) = preflight([WHOLE] * 2, [room], 2)

    assert (8, fits) == (line.needed, line.fits)
    assert "load balancers: 8 needed" in line.text
    assert "Service Quotas" in line.text


def test_what_nobody_needs_is_no_line() -> None:
    """A roster that ends with preflight asks for no pods."""
    assert [] == preflight([replace(WHOLE, until="preflight")], [Room(Thing.PODS, 4, 0, "")], 1)


@pytest.mark.parametrize(
    ("text", "value"), [("250m", 0.25), ("2", 2), (3, 3), ("64Mi", 64 * 2**20), ("1k", 1000), ("16Gi", 16 * 2**30)]
)
def test_quantities(text: str | int, value: float) -> None:
    """Kubernetes' suffixes, binary and decimal."""
    assert value == quantity(text)


def test_what_a_cluster_has_room_for() -> None:
    """Ready nodes count, finished pods do not, nor does what the asking workshops have themselves already."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    allocatable = {"pods": "10", "cpu": "2", "memory": "1Gi", BALANCERS: "5"}
    kubernetes = FakeKubernetes(
        {"kind": "Node", "metadata": {"name": "one"}, "status": {**ready, "allocatable": allocatable}},
        {"kind": "Node", "metadata": {"name": "two"}, "status": {"allocatable": allocatable}},
        *(_pod(name, "other", phase) for name, phase in (("a", "Running"), ("b", "Pending"), ("c", "Succeeded"))),
        _pod("d", "ours", "Running"),
        {"kind": "Service", "metadata": {"name": "s", "namespace": "other"}, "spec": {"type": "LoadBalancer"}},
        {"kind": "Service", "metadata": {"name": "t", "namespace": "other"}, "spec": {"type": "ClusterIP"}},
        {"kind": "Service", "metadata": {"name": "u", "namespace": "ours"}, "spec": {"type": "LoadBalancer"}},
    )
    found = {room.thing: room for room in rooms(replace(fake_ports(), kubernetes=kubernetes), {"ours"})}

    assert (10, 2) == (found[Thing.PODS].limit, found[Thing.PODS].used)
    assert (2000, 500) == (found[Thing.CPU].limit, found[Thing.CPU].used)
    assert (1024, 128) == (found[Thing.MEMORY].limit, found[Thing.MEMORY].used)
    assert (5, 1) == (found[Thing.BALANCERS].limit, found[Thing.BALANCERS].used)
    assert found[Thing.RECORDS].limit is None
    assert list(found.values()) == [from_dict(to_dict(room)) for room in found.values()]


def _pod(name: str, namespace: str, phase: str) -> dict[str, object]:
    container = {"name": name, "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}}}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [container]},
        "status": {"phase": phase},
    }
