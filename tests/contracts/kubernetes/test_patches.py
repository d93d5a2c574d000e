"""JSON patch, merge patch, strategic merge patch."""

from __future__ import annotations

from tests.contracts.kubernetes.http import JSON_PATCH, STRATEGIC_PATCH, Http, Obj
from tests.contracts.kubernetes.objects import config_map, deployment


def _template(**pod: object) -> Obj:
    return {"spec": {"template": {"spec": pod}}}


def _containers(body: Obj) -> dict[str, Obj]:
    return {c["name"]: c for c in body["spec"]["template"]["spec"]["containers"]}


def test_merge_patch_removes_what_is_null(api: Http, maps: str) -> None:
    """Objects merge, null removes."""
    api.post(maps, config_map(a="1", b="2"))
    patched = api.patch(f"{maps}/settings", {"data": {"a": None, "c": "3"}})

    assert {"b": "2", "c": "3"} == patched.body["data"]


def test_merge_patch_replaces_lists(api: Http, deployments: str) -> None:
    """A merge patch knows no keys: the list it has is the list there is."""
    api.post(deployments, deployment())
    patched = api.patch(f"{deployments}/web", _template(containers=[{"name": "other", "image": "x"}]))

    assert ["other"] == list(_containers(patched.body))


def test_json_patch_applies_in_order(api: Http, maps: str) -> None:
    """Test, add, replace and remove."""
    api.post(maps, config_map(a="1", b="2"))
    operations = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "replace", "path": "/data/a", "value": "9"},
        {"op": "remove", "path": "/data/b"},
        {"op": "add", "path": "/data/c", "value": "3"},
    ]

    assert {"a": "9", "c": "3"} == api.patch(f"{maps}/settings", operations, JSON_PATCH).body["data"]


def test_a_failed_test_of_a_json_patch_changes_nothing(api: Http, maps: str) -> None:
    """The patch is refused as a whole."""
    api.post(maps, config_map(a="1"))
    operations = [
        {"op": "replace", "path": "/data/a", "value": "9"},
        {"op": "test", "path": "/data/a", "value": "1"},
    ]
    refused = api.patch(f"{maps}/settings", operations, JSON_PATCH)

    assert (422, "Invalid") == (refused.code, refused.reason)
    assert {"a": "1"} == api.get(f"{maps}/settings").body["data"]


def test_strategic_merge_finds_containers_by_name(api: Http, deployments: str) -> None:
    """A container that is named is changed, one that is new is added, the others stay."""
    api.post(deployments, deployment())
    patch = _template(containers=[{"name": "web", "image": "v2"}, {"name": "envoy", "image": "envoy"}])
    containers = _containers(api.patch(f"{deployments}/web", patch, STRATEGIC_PATCH).body)

    assert {"web": "v2", "envoy": "envoy"} == {name: c["image"] for name, c in containers.items()}
    assert 3000 == containers["web"]["ports"][0]["containerPort"]


def test_strategic_merge_deletes_an_item_by_directive(api: Http, deployments: str) -> None:
    """`$patch: delete` removes the item with that key."""
    obj = deployment()
    obj["spec"]["template"]["spec"]["containers"].append({"name": "envoy", "image": "envoy"})
    api.post(deployments, obj)
    patch = _template(containers=[{"name": "envoy", "$patch": "delete"}])

    assert ["web"] == list(_containers(api.patch(f"{deployments}/web", patch, STRATEGIC_PATCH).body))


def test_strategic_merge_keeps_only_what_retain_keys_names(api: Http, deployments: str) -> None:
    """A change of strategy drops the parameters of the old one, as kubectl apply asks for."""
    api.post(deployments, deployment())
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    patched = api.patch(f"{deployments}/web", patch, STRATEGIC_PATCH)

    assert {"type": "Recreate"} == patched.body["spec"]["strategy"]


def test_strategic_merge_orders_items_as_told(api: Http, deployments: str) -> None:
    """`$setElementOrder` moves a new item to its place."""
    api.post(deployments, deployment())
    patch = _template(
        **{
            "$setElementOrder/containers": [{"name": "envoy"}, {"name": "web"}],
            "containers": [{"name": "envoy", "image": "envoy"}],
        }
    )

    assert ["envoy", "web"] == list(_containers(api.patch(f"{deployments}/web", patch, STRATEGIC_PATCH).body))


def test_strategic_merge_merges_finalizers_as_a_set(api: Http, maps: str) -> None:
    """`$deleteFromPrimitiveList` takes out, values not yet there are added."""
    obj = config_map()
    obj["metadata"]["finalizers"] = ["a.test/x", "b.test/x"]
    api.post(maps, obj)
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.test/x"], "finalizers": ["c.test/x"]}}
    patched = api.patch(f"{maps}/settings", patch, STRATEGIC_PATCH)

    assert {"b.test/x", "c.test/x"} == set(patched.body["metadata"]["finalizers"])


def test_environment_merges_by_name(api: Http, deployments: str) -> None:
    """What `kubectl set env` sends changes one variable."""
    obj = deployment()
    obj["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}]
    api.post(deployments, obj)
    patch = _template(containers=[{"name": "web", "env": [{"name": "B", "value": "2"}]}])
    patched = _containers(api.patch(f"{deployments}/web", patch, STRATEGIC_PATCH).body)

    assert {"A": "1", "B": "2"} == {e["name"]: e["value"] for e in patched["web"]["env"]}


def test_an_unknown_kind_of_patch_is_refused(api: Http, maps: str) -> None:
    """A media type that is no patch is UnsupportedMediaType."""
    api.post(maps, config_map())
    refused = api.patch(f"{maps}/settings", {}, "application/json")

    assert (415, "UnsupportedMediaType") == (refused.code, refused.reason)
