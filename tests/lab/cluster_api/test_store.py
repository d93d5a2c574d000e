"""The store alone: deletion, garbage collection, namespaces, history."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj
from lab.cluster.store import Deletion, Store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def store() -> Store:
    made = Store(now=lambda: NOON)
    made.create("namespaces", {"metadata": {"name": "shop"}, "spec": {"finalizers": ["kubernetes"]}})
    return made


def _pod(name: str, owner: Obj | None = None, **spec: object) -> Obj:
    metadata: Obj = {"name": name, "namespace": "shop"}
    if owner:
        reference = {"uid": owner["metadata"]["uid"], "kind": owner["kind"], "name": owner["metadata"]["name"]}
        metadata["ownerReferences"] = [reference]
    return {"metadata": metadata, "spec": {"nodeName": "lab-node", "terminationGracePeriodSeconds": 30} | spec}


def _set(store: Store, name: str) -> Obj:
    return store.create("replicasets.apps", {"metadata": {"name": name, "namespace": "shop"}, "spec": {}})


def _names(store: Store, resource: str) -> list[str]:
    return [obj["metadata"]["name"] for obj in store.list(resource)]


def test_a_running_pod_is_only_marked(store: Store) -> None:
    """Its kubelet gets the grace period; the pod stays."""
    store.create("pods", _pod("p"))
    store.delete("pods", "p", "shop")
    marked = store.get("pods", "p", "shop")["metadata"]

    assert ("2026-11-23T12:00:30Z", 30) == (marked["deletionTimestamp"], marked["deletionGracePeriodSeconds"])


def test_the_kubelet_ends_a_deletion(store: Store) -> None:
    """A delete with no grace removes the pod at once."""
    store.create("pods", _pod("p"))
    store.delete("pods", "p", "shop")
    store.delete("pods", "p", "shop", Deletion(grace_seconds=0))

    assert [] == _names(store, "pods")


def test_a_pod_that_is_ending_can_be_written(store: Store) -> None:
    """Its kubelet reports on it until the end; only the deletion without grace removes it."""
    store.create("pods", _pod("p"))
    marked = store.delete("pods", "p", "shop")
    store.replace("pods", marked | {"status": {"phase": "Failed"}}, subresource="status")

    assert "Failed" == store.get("pods", "p", "shop")["status"]["phase"]


def test_a_second_deletion_may_only_hasten(store: Store) -> None:
    """A longer grace than the first one changes nothing, a shorter one does."""
    store.create("pods", _pod("p"))

    def grace(seconds: int) -> int:
        store.delete("pods", "p", "shop", Deletion(grace_seconds=seconds))
        return int(store.get("pods", "p", "shop")["metadata"]["deletionGracePeriodSeconds"])

    assert [10, 10, 5] == [grace(10), grace(20), grace(5)]


@pytest.mark.parametrize("spec", [{"nodeName": ""}, {}])
def test_a_pod_that_nobody_runs_goes_at_once(store: Store, spec: Obj) -> None:
    """One without a node, and one that has finished."""
    pod = _pod("p", **spec) | ({} if spec else {"status": {"phase": "Succeeded"}})
    store.create("pods", pod)
    store.delete("pods", "p", "shop")

    assert [] == _names(store, "pods")


def test_dependents_go_with_their_owner(store: Store) -> None:
    """All the way down: the owner's pods are marked, those of others are not."""
    owner, other = _set(store, "a"), _set(store, "b")
    for name, of in (("a-1", owner), ("a-2", owner), ("b-1", other)):
        store.create("pods", _pod(name, of))
    store.delete("replicasets.apps", "a", "shop")
    marked = {p["metadata"]["name"] for p in store.list("pods") if "deletionTimestamp" in p["metadata"]}

    assert {"a-1", "a-2"} == marked


def test_a_second_owner_keeps_a_dependent(store: Store) -> None:
    """Only the reference to the owner that went is dropped."""
    owner, other = _set(store, "a"), _set(store, "b")
    pod = _pod("p", owner)
    pod["metadata"]["ownerReferences"] += _pod("p", other)["metadata"]["ownerReferences"]
    store.create("pods", pod)
    store.delete("replicasets.apps", "a", "shop")
    left = store.get("pods", "p", "shop")["metadata"]

    assert ["b"] == [reference["name"] for reference in left["ownerReferences"]]
    assert "deletionTimestamp" not in left


def test_orphans_stay(store: Store) -> None:
    """propagationPolicy Orphan drops the references first."""
    store.create("pods", _pod("p", _set(store, "a")))
    store.delete("replicasets.apps", "a", "shop", Deletion(propagation="Orphan"))
    left = store.get("pods", "p", "shop")["metadata"]

    assert not {"ownerReferences", "deletionTimestamp"} & left.keys()


def test_foreground_waits_for_the_dependents(store: Store) -> None:
    """The owner is marked and goes when its last pod has gone."""
    store.create("pods", _pod("p", _set(store, "a")))
    store.delete("replicasets.apps", "a", "shop", Deletion(propagation="Foreground"))
    waiting = _names(store, "replicasets.apps")
    store.delete("pods", "p", "shop", Deletion(grace_seconds=0))

    assert (["a"], []) == (waiting, _names(store, "replicasets.apps"))


def test_an_object_whose_owner_is_gone_does_not_stay(store: Store) -> None:
    """A controller that creates a pod for a set that was deleted meanwhile leaves nothing behind."""
    owner = _set(store, "a")
    store.delete("replicasets.apps", "a", "shop")
    store.create("pods", _pod("p", owner, nodeName=""))

    assert [] == _names(store, "pods")


def test_a_namespace_ends_when_it_is_empty(store: Store) -> None:
    """Terminating while a pod ends, gone with the last object."""
    store.create("pods", _pod("p"))
    store.create("configmaps", {"metadata": {"name": "c", "namespace": "shop"}})
    store.delete("namespaces", "shop")
    phase, maps = store.get("namespaces", "shop")["status"]["phase"], _names(store, "configmaps")
    store.delete("pods", "p", "shop", Deletion(grace_seconds=0))

    assert ("Terminating", [], []) == (phase, maps, _names(store, "namespaces"))


def test_a_namespace_waits_for_finalizers(store: Store) -> None:
    """An object that is held holds its namespace; removing its finalizer frees both."""
    held = {"metadata": {"name": "c", "namespace": "shop", "finalizers": ["canario.test/hold"]}}
    store.create("configmaps", held)
    store.delete("namespaces", "shop")
    waiting = _names(store, "namespaces")
    obj = store.get("configmaps", "c", "shop")
    metadata = {k: v for k, v in obj["metadata"].items() if k != "finalizers"}
    store.replace("configmaps", obj | {"metadata": metadata})

    assert (["shop"], []) == (waiting, _names(store, "namespaces"))


async def test_a_watch_gives_changes_in_order(store: Store) -> None:
    """With growing resourceVersions, of its resource only."""
    since = store.revision
    store.create("pods", _pod("p"))
    _set(store, "a")
    store.delete("pods", "p", "shop")
    store.delete("pods", "p", "shop", Deletion(grace_seconds=0))
    seen = []
    async with aclosing(store.watch("pods", since)) as changes:
        async for change in changes:
            seen.append((change.kind, change.revision))
            if len(seen) == 3:
                break

    assert ["ADDED", "MODIFIED", "DELETED"] == [kind for kind, _ in seen]
    assert seen == sorted(seen, key=lambda entry: entry[1])


async def test_a_watch_from_before_the_history_has_expired(store: Store) -> None:
    """410 Expired: the watcher must list again."""
    since = store.revision
    store.create("pods", _pod("p"))
    store.journal.forget()

    with pytest.raises(ApiError) as failed:
        await anext(store.watch("pods", since))
    assert (410, "Expired") == (failed.value.code, failed.value.reason)
