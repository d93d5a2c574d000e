"""The share in an HTTPRoute: what cannot be read or set is refused with the reason; a rollback refuses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from canario.errors import InvalidInput
from canario.mesh import gateway
from canario.mesh.weights import GATEWAY_LARGEST


def http_route(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "HTTPRoute", "metadata": {"name": "r", "namespace": "shop"}, "spec": {"rules": list(rules)}}


def rule(*backends: dict[str, Any], name: str = "all") -> dict[str, Any]:
    return {"name": name, "backendRefs": list(backends)}


def backend(name: str, weight: int | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "port": 80, **({} if weight is None else {"weight": weight}), **more}


def test_a_backend_without_weight_weighs_one() -> None:
    """As Gateway API has it."""

    assert 0.5 == gateway.read_share(http_route(rule(backend("old"), backend("new", 1))), "old", "new")


def test_shares_are_finer_than_percentages() -> None:
    """Weights go to a million, so a share of one in ten thousand is written exactly."""
    changed = gateway.set_share(http_route(rule(backend("old"))), baseline="old", canary="new", share=0.0001)

    assert 0.0001 == gateway.read_share(changed, "old", "new")
    assert (9999, 1) == gateway.read_weights(changed, "old", "new") or sum(
        gateway.read_weights(changed, "old", "new")
    ) in (10_000, GATEWAY_LARGEST)


def test_rules_for_others_stay() -> None:
    """A rule that sends to neither node is no part of the split."""
    admin = rule(backend("admin", 7), name="admin")
    changed = gateway.set_share(http_route(admin, rule(backend("old"))), baseline="old", canary="new", share=1)

    assert admin == changed["spec"]["rules"][0]
    assert (0, GATEWAY_LARGEST) == gateway.read_weights(changed, "old", "new")


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([rule(backend("other"))], id="neither node"),
        pytest.param([rule(backend("old"), backend("third"))], id="a third node"),
        pytest.param([rule(backend("old"), backend("new", namespace="elsewhere"))], id="another namespace's"),
        pytest.param([rule(backend("old"), backend("new", kind="Hostname"))], id="no Service"),
        pytest.param([rule(backend("old", 1)), rule(backend("new", 1))], id="rules disagree"),
    ],
)
def test_other_splits_are_refused(rules: list[dict[str, Any]]) -> None:
    """What is no split between the two nodes alone is refused by its place."""

    with pytest.raises(InvalidInput, match="HTTPRoute shop/r: spec.rules"):
        gateway.read_share(http_route(*rules), "old", "new")


def test_a_rollback_refuses_nothing() -> None:
    """Whatever a rule sends to, the canary gets nothing of it, and what only it had goes to the baseline."""
    route = http_route(rule(backend("new", 5)), rule(backend("third"), backend("new", 2)), rule(backend("third")))

    first, second, third = gateway.withdraw(route, baseline="old", canary="new")["spec"]["rules"]

    assert {"new": 0, "old": GATEWAY_LARGEST} == {each["name"]: each["weight"] for each in first["backendRefs"]}
    assert [("third", None), ("new", 0)] == [(each["name"], each.get("weight")) for each in second["backendRefs"]]
    assert rule(backend("third")) == third


def test_only_routes_that_send_to_a_node_do() -> None:
    """A gateway's route that sends to one of the nodes is found; one to others is not."""
    route = http_route(rule(backend("old")), rule(backend("new", namespace="elsewhere")))

    assert gateway.sends_to(route, "old", "new")
    assert not gateway.sends_to(route, "new")
