"""Which pods a ReplicaSet makes and deletes."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.controllers.ownership import claim, controller_of
from lab.cluster.controllers.replicaset import decide, next_look, pod_of, rank, status
from lab.cluster.objects import Obj, name_of
from tests.unit.cluster.controllers.objects import NOW, ago, pod


def _set(replicas: int = 3, **spec: object) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web-abc", "namespace": "shop", "uid": "uid-set", "generation": 2},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
            **spec,
        },
    }


_PODS = st.lists(
    st.builds(
        lambda number, ready, deleting, phase: pod(
            f"p{number}",
            ready=ready,
            metadata={"deletionTimestamp": ago(0)} if deleting else {},
            status={"phase": phase},
        ),
        st.integers(0, 10_000),
        st.none() | st.integers(0, 100),
        st.booleans(),
        st.sampled_from(["Pending", "Running", "Failed", "Succeeded"]),
    ),
    max_size=8,
    unique_by=name_of,
)


@given(st.integers(0, 8), _PODS)
def test_a_decision_makes_the_number_right(replicas: int, pods: list[Obj]) -> None:
    """Active pods and new ones, less those deleted, are as many as wanted; finished and leaving pods do not count."""
    decision = decide(_set(replicas), pods)
    leaving = [p for p in pods if "deletionTimestamp" in p["metadata"]]
    active = [p for p in pods if p["status"]["phase"] in ("Pending", "Running") and p not in leaving]

    assert replicas == len(active) + decision.create - len(decision.delete)
    assert not (decision.create and decision.delete)
    assert all(p in active for p in decision.delete)


def test_who_goes_first() -> None:
    """Unassigned pods go first, then pending, not ready, cheap, lately ready, often restarted, and new ones."""
    cheap = {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}
    order = [
        pod("unassigned", nodeName=None),
        pod("pending", status={"phase": "Pending"}),
        pod("not-ready", ready=None),
        pod("cheap", metadata=cheap),
        pod("lately-ready", ready=1),
        pod("restarted", status={"containerStatuses": [{"restartCount": 2}]}),
        pod("new", metadata={"creationTimestamp": ago(1)}),
        pod("old"),
    ]
    shuffled = random.Random(7).sample(order, len(order))

    assert [name_of(p) for p in order] == [name_of(p) for p in sorted(shuffled, key=rank)]


def test_a_pod_is_made_from_the_template() -> None:
    """A new pod has the template's labels and spec, and the ReplicaSet as its controller."""
    made = pod_of(_set())

    assert {"app": "web"} == made["metadata"]["labels"]
    assert "web-abc-" == made["metadata"]["generateName"]
    assert "uid-set" == (controller_of(made) or {})["uid"]


def test_a_pod_is_available_after_its_minimum() -> None:
    """With minReadySeconds a ready pod counts as available only later, and the ReplicaSet looks again then."""
    pods = [pod("old", ready=40), pod("young", ready=10), pod("not", ready=None)]
    found = status(_set(minReadySeconds=30), pods, "", NOW)

    assert [3, 2, 1] == [found[k] for k in ("replicas", "readyReplicas", "availableReplicas")]
    assert 20 == next_look(_set(minReadySeconds=30), pods, NOW)


def test_a_claim_follows_selector_and_owner() -> None:
    """Matching orphans are adopted, owned pods that no longer match released, others' pods left alone."""
    owner, other = _set(), {**_set(), "metadata": {**_set()["metadata"], "uid": "uid-other"}}
    mine, orphan = pod("mine", owner=owner), pod("orphan")
    strayed = pod("strayed", owner=owner, metadata={"labels": {"app": "else"}})
    found = claim(owner, [mine, orphan, strayed, pod("theirs", owner=other), pod("x", metadata={"labels": {}})])

    assert (mine,) == found.owned
    assert (orphan,) == found.adopt
    assert (strayed,) == found.release
