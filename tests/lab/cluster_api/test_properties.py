"""What always holds of field sets, applies, patches and selectors."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cluster import managers
from lab.cluster.apply import apply
from lab.cluster.builtin_schema import kind_schema
from lab.cluster.fields import decode, encode, field_set, leaves
from lab.cluster.managers import Manager
from lab.cluster.objects import Obj, copy
from lab.cluster.patch import merge_patch
from lab.cluster.selectors import label_selector
from lab.cluster.strategic import strategic_merge

SCHEMA = kind_schema("apps/v1", "Deployment")
NAMES = st.sampled_from(["a", "b", "c"])
WORDS = st.text("xyz", max_size=2)
ENVIRONMENT = st.lists(st.fixed_dictionaries({"name": NAMES, "value": WORDS}), unique_by=lambda e: e["name"])
CONTAINER = st.fixed_dictionaries({"name": NAMES}, optional={"image": WORDS, "env": ENVIRONMENT})
CONTAINERS = st.lists(CONTAINER, unique_by=lambda c: c["name"])
LABELS = st.dictionaries(NAMES, WORDS)
JSON = st.recursive(
    st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)


def _deployment(labels: dict[str, str], containers: list[Obj], replicas: int | None) -> Obj:
    spec: Obj = {"template": {"spec": {"containers": containers}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "labels": labels}, "spec": spec}


DEPLOYMENTS = st.builds(_deployment, LABELS, CONTAINERS, st.none() | st.integers(0, 9))


def _apply(live: Obj, config: Obj, name: str) -> Obj:
    manager = Manager(name, "Apply", "apps/v1")
    return apply(live, config, SCHEMA, manager, time="2026-11-23T12:00:00Z", force=True)


def _empty() -> Obj:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}


@settings(max_examples=40)
@given(DEPLOYMENTS)
def test_field_sets_survive_their_encoding(obj: Obj) -> None:
    """FieldsV1 and back loses no path."""
    fields = field_set(obj, SCHEMA)

    assert fields == decode(encode(fields))


@settings(max_examples=40)
@given(DEPLOYMENTS)
def test_what_was_applied_is_there(config: Obj) -> None:
    """Every leaf of the configuration has its value in the object."""
    applied = leaves(_apply(_empty(), config, "one"), SCHEMA)

    assert leaves(config, SCHEMA).items() <= applied.items()


@settings(max_examples=40)
@given(DEPLOYMENTS, DEPLOYMENTS)
def test_applying_again_changes_nothing(live: Obj, config: Obj) -> None:
    """Apply is idempotent, whatever was there before."""
    once = _apply(_apply(_empty(), live, "one"), config, "two")

    assert once == _apply(once, config, "two")


@settings(max_examples=40)
@given(DEPLOYMENTS, DEPLOYMENTS)
def test_an_applier_can_take_everything_back(first: Obj, second: Obj) -> None:
    """After an empty apply only what others own is left."""
    alone = _apply(_empty(), first, "one")
    both = _apply(alone, second, "two")
    owned = managers.read(both).get(Manager("one", "Apply", "apps/v1"))
    left = leaves(_apply(both, _empty(), "two"), SCHEMA)

    assert (owned.fields if owned else frozenset()) == left.keys()


@settings(max_examples=40)
@given(JSON, JSON)
def test_patches_leave_their_arguments_alone(target: Any, patch: Any) -> None:
    """A merge patch is a function."""
    before = copy([target, patch])
    merge_patch(target, patch)

    assert before == [target, patch]


@settings(max_examples=40)
@given(DEPLOYMENTS, DEPLOYMENTS)
def test_strategic_merges_are_idempotent_and_pure(target: Obj, patch: Obj) -> None:
    """The same patch again changes nothing, and neither argument is touched."""
    before = copy({"target": target, "patch": patch})
    once = strategic_merge(target, patch, SCHEMA)

    assert once == strategic_merge(once, patch, SCHEMA)
    assert before == {"target": target, "patch": patch}


@settings(max_examples=40)
@given(LABELS, NAMES, st.lists(WORDS, min_size=1, max_size=3))
def test_in_and_notin_are_opposites(labels: dict[str, str], key: str, values: list[str]) -> None:
    """Every object is selected by exactly one of the two."""
    listed = ",".join(values)
    obj = {"metadata": {"labels": labels}}
    chosen = [label_selector(f"{key} {operator} ({listed})")(obj) for operator in ("in", "notin")]

    assert 1 == sum(chosen)
