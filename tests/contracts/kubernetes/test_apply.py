"""Server-side apply: who owns what, conflicts, and what is dropped."""

from __future__ import annotations

from tests.contracts.kubernetes.http import Http, Obj
from tests.contracts.kubernetes.objects import config_map, deployment


def _owners(body: Obj) -> dict[tuple[str, str], Obj]:
    return {(m["manager"], m["operation"]): m["fieldsV1"] for m in body["metadata"]["managedFields"]}


def _replicas(number: int, name: str = "web") -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": number},
    }


def test_apply_creates_what_is_not_there(api: Http, maps: str) -> None:
    """The first apply answers 201 and owns exactly what it said."""
    applied = api.apply(f"{maps}/settings", config_map(a="1"), "canario")

    assert 201 == applied.code
    assert {("canario", "Apply"): {"f:data": {"f:a": {}}}} == _owners(applied.body)


def test_an_apply_again_changes_nothing(api: Http, maps: str) -> None:
    """The same apply answers 200 with the same resourceVersion."""
    first = api.apply(f"{maps}/settings", config_map(a="1"), "canario")
    again = api.apply(f"{maps}/settings", config_map(a="1"), "canario")

    assert 200 == again.code
    assert first.body["metadata"] == again.body["metadata"]


def test_apply_needs_a_manager(api: Http, maps: str) -> None:
    """Without fieldManager an apply is refused."""
    assert api.apply(f"{maps}/settings", config_map(), "").code in (400, 422)


def test_fields_that_an_applier_drops_are_removed(api: Http, maps: str) -> None:
    """What only it owned goes, what it never owned stays."""
    api.apply(f"{maps}/settings", config_map(a="1", b="2"), "canario")
    api.patch(f"{maps}/settings", {"data": {"c": "3"}})
    applied = api.apply(f"{maps}/settings", config_map(a="1"), "canario")

    assert {"a": "1", "c": "3"} == applied.body["data"]


def test_another_value_for_an_owned_field_is_a_conflict(api: Http, maps: str) -> None:
    """The error names the owner and the field; nothing changes."""
    api.apply(f"{maps}/settings", config_map(a="1"), "one")
    refused = api.apply(f"{maps}/settings", config_map(a="2"), "two")

    assert (409, "Conflict", [".data.a"]) == (refused.code, refused.reason, refused.fields)
    assert '"one"' in refused.body["message"]
    assert {"a": "1"} == api.get(f"{maps}/settings").body["data"]


def test_force_takes_the_field(api: Http, maps: str) -> None:
    """A forced apply changes the value, and the old owner has it no more."""
    api.apply(f"{maps}/settings", config_map(a="1", b="1"), "one")
    forced = api.apply(f"{maps}/settings", config_map(a="2"), "two", force=True)

    assert {"a": "2", "b": "1"} == forced.body["data"]
    assert {
        ("one", "Apply"): {"f:data": {"f:b": {}}},
        ("two", "Apply"): {"f:data": {"f:a": {}}},
    } == _owners(forced.body)


def test_the_same_value_is_shared(api: Http, maps: str) -> None:
    """Two appliers who agree both own, and the field goes when both have dropped it."""
    api.apply(f"{maps}/settings", config_map(a="1"), "one")
    shared = api.apply(f"{maps}/settings", config_map(a="1"), "two")
    one_left = api.apply(f"{maps}/settings", config_map(), "one").body
    none_left = api.apply(f"{maps}/settings", config_map(), "two").body

    assert 200 == shared.code
    assert ({"a": "1"}, {}) == (one_left["data"], none_left.get("data") or {})


def test_updates_have_owners_too(api: Http, maps: str) -> None:
    """A patch's fieldManager stands in managedFields with what it changed: so one sees who touched a field."""
    api.apply(f"{maps}/settings", config_map(a="1"), "one")
    patched = api.patch(f"{maps}/settings", {"data": {"a": "2"}}, fieldManager="somebody")

    assert {"f:data": {"f:a": {}}} == _owners(patched.body)[("somebody", "Update")]
    assert ("one", "Apply") not in _owners(patched.body) or "f:a" not in str(_owners(patched.body)[("one", "Apply")])


def test_the_user_agent_names_a_manager_that_does_not(api: Http, maps: str) -> None:
    """Without fieldManager it is the user agent up to its slash."""
    created = api.post(maps, config_map(a="1"))

    assert {("contract", "Update")} == set(_owners(created.body))


def test_what_an_update_owns_conflicts_with_an_apply(api: Http, deployments: str) -> None:
    """An autoscaler's replicas are not taken back by an apply that does not force."""
    api.apply(f"{deployments}/web", deployment(), "canario")
    api.patch(f"{deployments}/web", {"spec": {"replicas": 5}}, fieldManager="autoscaler")
    refused = api.apply(
        f"{deployments}/web", deployment() | {"spec": deployment()["spec"] | {"replicas": 2}}, "canario"
    )
    accepted = api.apply(f"{deployments}/web", deployment(), "canario")

    assert (409, [".spec.replicas"]) == (refused.code, refused.fields)
    assert (200, 5) == (accepted.code, accepted.body["spec"]["replicas"])


def test_items_of_keyed_lists_have_owners_of_their_own(api: Http, deployments: str) -> None:
    """An applier who names one container owns that container only, and takes only it away."""
    api.apply(f"{deployments}/web", deployment(), "canario")
    injected = deployment()
    injected["spec"]["template"]["spec"]["containers"] = [{"name": "envoy", "image": "envoy"}]
    injected["spec"].pop("selector")
    injected["spec"]["template"].pop("metadata")
    with_envoy = api.apply(f"{deployments}/web", injected, "injector").body
    injected["spec"]["template"]["spec"].pop("containers")
    without = api.apply(f"{deployments}/web", injected, "injector").body

    def names(body: Obj) -> set[str]:
        return {c["name"] for c in body["spec"]["template"]["spec"]["containers"]}

    assert ({"web", "envoy"}, {"web"}) == (names(with_envoy), names(without))


def test_the_status_has_its_own_owners(api: Http, deployments: str) -> None:
    """An apply to the status endpoint owns status fields, and the entry names the subresource."""
    api.apply(f"{deployments}/web", deployment(), "canario")
    status = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 2}}
    applied = api.apply(f"{deployments}/web/status", status, "controller")
    entry = next(m for m in applied.body["metadata"]["managedFields"] if m["manager"] == "controller")

    assert ("status", {"f:status": {"f:replicas": {}}}) == (entry["subresource"], entry["fieldsV1"])
    assert 2 == applied.body["status"]["replicas"]


def test_managed_fields_cannot_be_applied(api: Http, maps: str) -> None:
    """An apply must not say who owns what."""
    obj = config_map(a="1")
    obj["metadata"]["managedFields"] = [{"manager": "x", "operation": "Apply", "apiVersion": "v1"}]

    assert 400 == api.apply(f"{maps}/settings", obj, "canario").code


def test_an_applied_scale_is_a_conflict_for_nobody_else(api: Http, deployments: str) -> None:
    """An applier that owns only replicas leaves the rest alone."""
    api.apply(f"{deployments}/web", deployment(), "canario")
    scaled = api.apply(f"{deployments}/web", _replicas(3), "scaler", force=True)

    assert (200, 3) == (scaled.code, scaled.body["spec"]["replicas"])
    assert {"f:spec": {"f:replicas": {}}} == _owners(scaled.body)[("scaler", "Apply")]
