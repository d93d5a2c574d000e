"""Lists with selectors and pages, Tables, and watches."""

from __future__ import annotations

import pytest

from tests.contracts.kubernetes.http import Http
from tests.contracts.kubernetes.objects import config_map

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.fixture
def labelled(api: Http, maps: str) -> str:
    """Three ConfigMaps: `a` (tier=web, env=test), `b` (tier=db), `c` (no tier)."""
    for name, labels in (("a", {"tier": "web", "env": "test"}), ("b", {"tier": "db"}), ("c", {"env": "live"})):
        obj = config_map(name)
        obj["metadata"]["labels"] = labels | {"contract": "yes"}
        api.post(maps, obj)
    return maps


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier=web", "a"),
        ("tier==web", "a"),
        ("tier!=web", "bc"),
        ("tier", "ab"),
        ("!tier", "c"),
        ("tier in (web, db)", "ab"),
        ("tier notin (web)", "bc"),
        ("tier in (web,db),env=test", "a"),
        ("tier=web,env=live", ""),
    ],
)
def test_label_selectors_select(api: Http, labelled: str, selector: str, expected: str) -> None:
    """Equality, sets and existence, and all of several requirements."""
    items = api.get(labelled, labelSelector=f"contract,{selector}").body["items"]

    assert expected == "".join(item["metadata"]["name"] for item in items)


def test_a_selector_that_does_not_parse_is_refused(api: Http, labelled: str) -> None:
    """400 rather than everything."""
    assert 400 == api.get(labelled, labelSelector="tier=(").code


def test_fields_select_by_name(api: Http, labelled: str) -> None:
    """metadata.name is a field selector of every kind."""
    items = api.get(labelled, fieldSelector="metadata.name=b").body["items"]

    assert ["b"] == [item["metadata"]["name"] for item in items]


def test_pods_are_selected_by_phase(api: Http, namespace: str) -> None:
    """A new pod is Pending and none is Running."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "web", "image": "x"}]}}
    created = api.post(pods, pod)

    def count(phase: str) -> int:
        return len(api.get(pods, fieldSelector=f"status.phase={phase}").body["items"])

    assert (201, 1, 0) == (created.code, count("Pending"), count("Running"))


def test_a_list_comes_in_pages(api: Http, labelled: str) -> None:
    """`limit` and `continue` give everything once, all at one resourceVersion."""
    first = api.get(labelled, labelSelector="contract", limit=2).body
    second = api.get(labelled, labelSelector="contract", limit=2, **{"continue": first["metadata"]["continue"]}).body

    assert [["a", "b"], ["c"]] == [[i["metadata"]["name"] for i in p["items"]] for p in (first, second)]
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    assert "continue" not in second["metadata"]


def test_a_list_of_all_namespaces_has_everyone(api: Http, labelled: str, namespace: str) -> None:
    """Without a namespace in the path it is the whole cluster."""
    items = api.get("/api/v1/configmaps", labelSelector="contract").body["items"]

    assert {"a", "b", "c"} == {i["metadata"]["name"] for i in items if i["metadata"]["namespace"] == namespace}


def test_a_table_has_columns_and_cells(api: Http, labelled: str) -> None:
    """What `kubectl get` asks for."""
    table = api.as_(TABLE, labelled, labelSelector="contract").body

    assert ("Table", ["Name", "Data", "Age"]) == (table["kind"], [c["name"] for c in table["columnDefinitions"]])
    assert [("a", 0), ("b", 0), ("c", 0)] == [tuple(row["cells"][:2]) for row in table["rows"]]
    assert "a" == table["rows"][0]["object"]["metadata"]["name"]


def test_a_watch_continues_a_list(api: Http, labelled: str) -> None:
    """Every change after the list's resourceVersion, in order."""
    version = api.get(labelled).body["metadata"]["resourceVersion"]
    api.patch(f"{labelled}/a", {"data": {"x": "1"}})
    api.delete(f"{labelled}/b")
    api.post(labelled, config_map("d"))
    with api.watch(labelled, resourceVersion=version) as events:
        seen = [(kind, obj["metadata"]["name"]) for kind, obj in (next(events) for _ in range(3))]

    assert [("MODIFIED", "a"), ("DELETED", "b"), ("ADDED", "d")] == seen


def test_a_watch_without_a_version_begins_with_what_is_there(api: Http, labelled: str) -> None:
    """Synthetic ADDED events first."""
    with api.watch(labelled, labelSelector="contract") as events:
        seen = {(kind, obj["metadata"]["name"]) for kind, obj in (next(events) for _ in range(3))}

    assert {("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")} == seen


def test_objects_enter_and_leave_a_selected_watch(api: Http, labelled: str) -> None:
    """A label that no longer matches is a DELETED, one that begins to match an ADDED."""
    version = api.get(labelled).body["metadata"]["resourceVersion"]
    api.patch(f"{labelled}/a", {"metadata": {"labels": {"tier": "other"}}})
    api.patch(f"{labelled}/c", {"metadata": {"labels": {"tier": "web"}}})
    with api.watch(labelled, resourceVersion=version, labelSelector="tier=web") as events:
        seen = [(kind, obj["metadata"]["name"]) for kind, obj in (next(events) for _ in range(2))]

    assert [("DELETED", "a"), ("ADDED", "c")] == seen


def test_a_watch_ends_when_its_time_is_up(api: Http, labelled: str) -> None:
    """`timeoutSeconds` closes the stream without an error."""
    version = api.get(labelled).body["metadata"]["resourceVersion"]
    with api.watch(labelled, resourceVersion=version, timeoutSeconds="1") as events:
        seen = list(events)

    assert [] == seen


def test_initial_events_end_with_a_bookmark(api: Http, labelled: str) -> None:
    """A streaming list: everything there is, then a marked BOOKMARK."""
    asked = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    with api.watch(labelled, labelSelector="contract", **asked) as events:
        seen = [next(events) for _ in range(4)]

    assert ["ADDED", "ADDED", "ADDED", "BOOKMARK"] == [kind for kind, _ in seen]
    assert "true" == seen[-1][1]["metadata"]["annotations"]["k8s.io/initial-events-end"]
