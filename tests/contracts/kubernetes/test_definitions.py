"""Custom objects: served at once, validated, pruned, defaulted, applied, scaled, printed."""

from __future__ import annotations

import itertools

import pytest

from tests.contracts.kubernetes.http import DEFINITIONS, JSON_PATCH, STRATEGIC_PATCH, Http, Obj, established
from tests.contracts.kubernetes.objects import definition, router

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_COUNT = itertools.count(1)


@pytest.fixture
def group(api: Http) -> str:
    """The group of a new kind Router, with status and scale."""
    name = f"contract{next(_COUNT)}.test"
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    created = api.post(DEFINITIONS, definition(name, subresources={"status": {}, "scale": scale}))

    assert 201 == created.code
    established(api, f"routers.{name}")
    return name


@pytest.fixture
def routers(group: str, namespace: str) -> str:
    return f"/apis/{group}/v1/namespaces/{namespace}/routers"


def test_a_new_kind_is_discovered(api: Http, group: str) -> None:
    """With its names and subresources."""
    resources = {r["name"]: r for r in api.get(f"/apis/{group}/v1").body["resources"]}

    assert {"routers", "routers/status", "routers/scale"} == set(resources)
    assert ("Router", ["rt"], True) == tuple(resources["routers"][k] for k in ("kind", "shortNames", "namespaced"))


def test_defaults_of_the_schema_are_set(api: Http, group: str, routers: str) -> None:
    """Also inside the items of lists."""
    created = api.post(routers, router(group, "r", {"name": "a"}))

    assert 201 == created.code
    assert {"targets": [{"name": "a", "weight": 1}], "protocol": "http"} == created.body["spec"]


def test_unknown_fields_are_pruned_but_where_they_are_kept(api: Http, group: str, routers: str) -> None:
    """x-kubernetes-preserve-unknown-fields keeps what is below it."""
    obj = router(group)
    obj["spec"] |= {"typo": 1, "free": {"anything": [1, {"b": 2}]}}
    created = api.post(routers, obj, fieldValidation="Ignore").body

    assert "typo" not in created["spec"]
    assert {"anything": [1, {"b": 2}]} == created["spec"]["free"]


def test_strict_validation_names_unknown_fields(api: Http, group: str, routers: str) -> None:
    """By their path."""
    obj = router(group, "r", {"name": "a", "wieght": 3})
    refused = api.post(routers, obj, fieldValidation="Strict")

    assert 400 == refused.code
    assert 'unknown field "spec.targets[0].wieght"' in refused.body["message"]


@pytest.mark.parametrize(
    ("spec", "field", "reason"),
    [
        ({}, "spec.targets", "FieldValueRequired"),
        ({"targets": [{"weight": 1}]}, "spec.targets[0].name", "FieldValueRequired"),
        ({"targets": [{"name": "a", "weight": 101}]}, "spec.targets[0].weight", "FieldValueInvalid"),
        ({"targets": [{"name": "a", "weight": "1"}]}, "spec.targets[0].weight", "FieldValueTypeInvalid"),
        ({"targets": [{"name": "a", "port": True}]}, "spec.targets[0].port", "FieldValueTypeInvalid"),
        ({"targets": [{"name": c} for c in "abcd"]}, "spec.targets", "FieldValueTooMany"),
        ({"targets": [{"name": "a"}, {"name": "a"}]}, "spec.targets[1]", "FieldValueDuplicate"),
        ({"targets": [], "protocol": "smtp"}, "spec.protocol", "FieldValueNotSupported"),
    ],
)
def test_the_schema_is_enforced(api: Http, group: str, routers: str, spec: Obj, field: str, reason: str) -> None:
    """Invalid, with the field and why."""
    refused = api.post(routers, router(group) | {"spec": spec})
    causes = {cause["field"]: cause["reason"] for cause in refused.body["details"]["causes"]}

    assert (422, "Invalid", reason) == (refused.code, refused.reason, causes.get(field))


def test_int_or_string_takes_both(api: Http, group: str, routers: str) -> None:
    """And keeps which it was."""
    created = api.post(routers, router(group, "r", {"name": "a", "port": 1}, {"name": "b", "port": "http"}))

    assert [1, "http"] == [target["port"] for target in created.body["spec"]["targets"]]


def test_patches_of_custom_objects(api: Http, group: str, routers: str) -> None:
    """Merge and JSON patch; strategic merge is for built-in kinds."""
    api.post(routers, router(group))
    merged = api.patch(f"{routers}/nodejs", {"spec": {"protocol": "grpc"}})
    operation = {"op": "replace", "path": "/spec/targets/0/weight", "value": 7}
    patched = api.patch(f"{routers}/nodejs", [operation], JSON_PATCH)
    refused = api.patch(f"{routers}/nodejs", {}, STRATEGIC_PATCH)

    assert ("grpc", 7, 415) == (
        merged.body["spec"]["protocol"],
        patched.body["spec"]["targets"][0]["weight"],
        refused.code,
    )


def test_an_invalid_patch_changes_nothing(api: Http, group: str, routers: str) -> None:
    """The schema is checked after the patch."""
    api.post(routers, router(group))
    refused = api.patch(f"{routers}/nodejs", {"spec": {"protocol": "smtp"}})

    assert (422, "http") == (refused.code, api.get(f"{routers}/nodejs").body["spec"]["protocol"])


def test_shares_change_by_compare_and_set(api: Http, group: str, routers: str) -> None:
    """How the canary shifts: of two writers with one resourceVersion, one wins."""
    seen = api.post(routers, router(group)).body
    changed = seen | {"spec": {"targets": [{"name": "nodejs-app", "weight": 9}]}}

    assert [200, 409] == [api.put(f"{routers}/nodejs", changed).code for _ in range(2)]


def test_custom_objects_are_never_replaced_blindly(api: Http, group: str, routers: str) -> None:
    """A PUT without a resourceVersion is Invalid; a built-in kind would take it."""
    api.post(routers, router(group))
    refused = api.put(f"{routers}/nodejs", router(group))

    assert (422, ["metadata.resourceVersion"]) == (refused.code, refused.fields)


def test_targets_are_owned_by_their_key(api: Http, group: str, routers: str) -> None:
    """Two appliers own one target each of a list that is a map."""
    first = router(group, "nodejs", {"name": "a", "weight": 1})
    second = router(group, "nodejs", {"name": "b", "weight": 2})
    api.apply(f"{routers}/nodejs", first, "one")
    both = api.apply(f"{routers}/nodejs", second, "two").body
    refused = api.apply(f"{routers}/nodejs", router(group, "nodejs", {"name": "a", "weight": 5}), "two")

    assert [("a", 1), ("b", 2)] == [(t["name"], t["weight"]) for t in both["spec"]["targets"]]
    assert (409, ['.spec.targets[name="a"].weight']) == (refused.code, refused.fields)


def test_status_and_generation_of_custom_objects(api: Http, group: str, routers: str) -> None:
    """Status has its endpoint and bumps no generation."""
    api.post(routers, router(group) | {"status": {"state": "early"}})
    before = api.get(f"{routers}/nodejs").body
    after = api.patch(f"{routers}/nodejs/status", {"status": {"state": "ready"}}).body

    assert ("status" in before, "ready") == (False, after["status"]["state"])
    assert before["metadata"]["generation"] == after["metadata"]["generation"]


def test_custom_objects_scale(api: Http, group: str, routers: str) -> None:
    """Where the definition says so, by the paths that it names."""
    obj = router(group)
    obj["spec"]["replicas"] = 2
    api.post(routers, obj)
    scaled = api.patch(f"{routers}/nodejs/scale", {"spec": {"replicas": 5}})

    assert ("Scale", 5) == (scaled.body["kind"], scaled.body["spec"]["replicas"])
    assert 5 == api.get(f"{routers}/nodejs").body["spec"]["replicas"]


def test_printer_columns_are_a_table(api: Http, group: str, routers: str) -> None:
    """The definition's columns stand after the name."""
    api.post(routers, router(group))
    table = api.as_(TABLE, routers).body

    assert ["Name", "Protocol"] == [c["name"] for c in table["columnDefinitions"]]
    assert ["nodejs", "http"] == table["rows"][0]["cells"]


def test_a_definition_takes_its_objects_along(api: Http, group: str, routers: str) -> None:
    """A deleted definition is gone after its objects; then its paths are not found."""
    api.post(routers, router(group))
    with api.watch(DEFINITIONS, fieldSelector=f"metadata.name=routers.{group}") as events:
        api.delete(f"{DEFINITIONS}/routers.{group}")
        assert any(kind == "DELETED" for kind, _ in events)

    assert 404 == api.client.get(f"{routers}/nodejs").status_code


def test_a_definition_must_be_named_after_what_it_defines(api: Http) -> None:
    """`<plural>.<group>`."""
    wrong = definition("contract.test")
    wrong["metadata"]["name"] = "others.contract.test"
    refused = api.post(DEFINITIONS, wrong)

    assert (422, ["metadata.name"]) == (refused.code, refused.fields)
