"""What every cluster has from its first second: the system namespaces and a service account in each namespace."""

from __future__ import annotations

from lab.cluster.api import Api
from lab.cluster.journal import Change
from lab.cluster.objects import Obj, is_deleting, name_of
from lab.cluster.store import Store

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


def _namespace(name: str) -> Obj:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def bootstrap(api: Api) -> None:
    """Make the system namespaces, and give every namespace, now and later, its `default` ServiceAccount."""
    api.store.observe(lambda change: _give_account(api.store, change))
    for name in NAMESPACES:
        if api.store.peek("namespaces", name) is None:
            api.store.create("namespaces", _namespace(name))


def _give_account(store: Store, change: Change) -> None:
    """A new namespace gets the account; a deleted account comes back while its namespace lives."""
    if change.resource == "namespaces" and change.kind == "ADDED":
        store.create("serviceaccounts", _account(name_of(change.obj)))
    elif change.resource == "serviceaccounts" and change.kind == "DELETED" and name_of(change.obj) == "default":
        namespace = store.peek("namespaces", change.obj["metadata"]["namespace"])
        if namespace and not is_deleting(namespace):
            store.create("serviceaccounts", _account(name_of(namespace)))


def _account(namespace: str) -> Obj:
    return {"metadata": {"name": "default", "namespace": namespace}}
