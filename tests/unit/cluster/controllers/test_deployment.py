"""What a Deployment decides, and what it says of itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lab.cluster.controllers import revisions
from lab.cluster.controllers.deployment import Annotate, Change, Create, Delete, decide
from lab.cluster.controllers.deployment_status import seconds_to_deadline, status
from lab.cluster.objects import Obj, dig, name_of
from tests.unit.cluster.controllers.objects import NOW, ago, deployment, stored


def _set_of(owner: Obj, *, replicas: int, available: int = 0, age: float = 60, revision: int = 1) -> Obj:
    made = revisions.new_set(owner, [], replicas=replicas, most=4, wanted=owner["spec"]["replicas"])
    made["metadata"]["annotations"][revisions.REVISION] = str(revision)
    return stored(made, available=available, age=age)


def _settled(owner: Obj) -> Obj:
    return {**owner, "metadata": {**owner["metadata"], "annotations": {revisions.REVISION: "1"}}}


def _sizes(actions: list) -> dict[str, tuple[int, int] | None]:  # type: ignore[type-arg]
    return {a.name: a.replicas for a in actions if isinstance(a, Change)}


def test_a_new_deployment_makes_its_replica_set() -> None:
    """Without a ReplicaSet for its template a Deployment makes one, of full size, as revision 1."""
    (action,) = decide(deployment(3), [], old_pods=False)

    assert isinstance(action, Create)
    made = action.replica_set
    digest = revisions.template_hash(deployment()["spec"]["template"])
    assert f"web-{digest}" == name_of(made)
    assert 3 == made["spec"]["replicas"]
    assert {"app": "web", "pod-template-hash": digest} == made["spec"]["selector"]["matchLabels"]
    assert {"app": "web", "pod-template-hash": digest} == made["spec"]["template"]["metadata"]["labels"]
    assert "1" == made["metadata"]["annotations"][revisions.REVISION]


def test_a_settled_deployment_does_nothing() -> None:
    """A Deployment whose ReplicaSet is as it should be has nothing to do."""
    owner = _settled(deployment(3))
    actions = decide(owner, [_set_of(owner, replicas=3, available=3)], old_pods=False)

    assert [] == actions


def test_a_new_template_begins_with_the_surge() -> None:
    """A new template gets a ReplicaSet of the size of the surge, with the next revision, beside the full old one."""
    old = _set_of(deployment(3), replicas=3, available=3)
    (action,) = decide(deployment(3, image="v2"), [old], old_pods=False)

    assert isinstance(action, Create)
    assert 1 == action.replica_set["spec"]["replicas"]
    assert "2" == action.replica_set["metadata"]["annotations"][revisions.REVISION]


def test_an_available_new_pod_lets_an_old_one_go() -> None:
    """Once the new pod is available, the old ReplicaSet shrinks by one and the new one waits for it."""
    old = _set_of(deployment(3), replicas=3, available=3, age=100)
    owner = deployment(3, image="v2")
    new = _set_of(owner, replicas=1, available=1, revision=2)
    actions = decide(owner, [old, new], old_pods=True)

    assert {name_of(old): (3, 2)} == _sizes(actions)
    assert Annotate("2") in actions


def test_an_unavailable_new_pod_lets_nobody_go() -> None:
    """A new pod that does not become available stops the update where it is."""
    old = _set_of(deployment(3), replicas=3, available=3, age=100)
    owner = deployment(3, image="v2")
    new = _set_of(owner, replicas=1, available=0, revision=2)

    assert {} == _sizes(decide(owner, [old, new], old_pods=True))


def test_an_undo_makes_an_old_replica_set_new_again() -> None:
    """A template that comes back is given to the ReplicaSet it had, under a new revision that keeps the old ones."""
    first = _set_of(deployment(3), replicas=0, age=100, revision=1)
    second = _set_of(deployment(3, image="v2"), replicas=3, available=3, revision=2)
    actions = decide(deployment(3), [first, second], old_pods=True)
    patch = next(a.patch for a in actions if isinstance(a, Change) and "metadata" in a.patch)

    assert {revisions.REVISION: "3", revisions.HISTORY: "1"} == patch["metadata"]["annotations"]
    assert Annotate("3") in actions
    assert not any(isinstance(a, Create) for a in actions)


def test_recreate_waits_for_the_old_pods() -> None:
    """With Recreate the old ReplicaSet goes to 0, and the new one is made only when its pods have gone."""
    old = _set_of(deployment(2), replicas=2, available=2)
    owner = deployment(2, image="v2", strategy={"type": "Recreate"})
    down = decide(owner, [old], old_pods=True)
    gone = stored({**old, "spec": {**old["spec"], "replicas": 0}})
    waiting = decide(owner, [gone], old_pods=True)
    (made,) = decide(owner, [gone], old_pods=False)

    assert {name_of(old): (2, 0)} == _sizes(down)
    assert [] == waiting
    assert isinstance(made, Create)
    assert 2 == made.replica_set["spec"]["replicas"]


def test_a_paused_deployment_scales_but_does_not_roll() -> None:
    """A paused Deployment makes no ReplicaSet for a new template, yet follows a change of its replicas."""
    old = _set_of(deployment(2), replicas=2, available=2)
    owner = deployment(4, image="v2", paused=True)

    assert {name_of(old): (2, 4)} == _sizes(decide(owner, [old], old_pods=True))


def test_history_is_kept_to_its_limit() -> None:
    """Empty ReplicaSets beyond revisionHistoryLimit are deleted, the oldest revision first."""
    old = [_set_of(deployment(1, image=f"v{n}"), replicas=0, revision=n) for n in (1, 2, 3)]
    owner = deployment(1, image="v4", revisionHistoryLimit=1)
    new = _set_of(owner, replicas=1, available=1, revision=4)
    actions = decide(owner, [*old, new], old_pods=False)

    assert {name_of(old[0]), name_of(old[1])} == {a.name for a in actions if isinstance(a, Delete)}


def test_the_hash_ignores_what_says_nothing() -> None:
    """Templates that differ in empty values, order, or the hash label itself have the same hash."""
    template = deployment()["spec"]["template"]
    said = {
        "spec": {**template["spec"], "volumes": [], "securityContext": {}},
        "metadata": {"labels": {"pod-template-hash": "x", "app": "web"}, "creationTimestamp": None},
    }

    assert revisions.template_hash(template) == revisions.template_hash(said)
    assert revisions.template_hash(template) != revisions.template_hash(deployment(image="v2")["spec"]["template"])


def _reasons(found: Obj) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in found["conditions"]}


def test_a_complete_rollout_says_so() -> None:
    """All pods new and available: both conditions are true, with Kubernetes' reasons, and the counts are told."""
    owner = deployment(3)
    new = _set_of(owner, replicas=3, available=3)
    begun = status(owner, new, [], NOW)
    found = status({**owner, "status": begun}, new, [], NOW)

    assert {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    } == _reasons(found)
    counts = ("observedGeneration", "replicas", "updatedReplicas", "availableReplicas", "unavailableReplicas")
    assert [1, 3, 3, 3, 0] == [found[name] for name in counts]


def test_a_status_that_is_written_does_not_change_by_itself() -> None:
    """The same state told a minute later is the same status: no write follows from a write."""
    owner = deployment(3)
    new = _set_of(owner, replicas=3, available=3)
    for _ in range(3):
        owner = {**owner, "status": status(owner, new, [], NOW)}

    assert owner["status"] == status(owner, new, [], NOW + timedelta(minutes=1))


def test_a_stuck_rollout_is_late() -> None:
    """Without progress for progressDeadlineSeconds, Progressing is false with ProgressDeadlineExceeded."""
    owner = deployment(3, progressDeadlineSeconds=60)
    new = _set_of(owner, replicas=3, available=1)
    owner = {**owner, "status": status(owner, new, [], NOW)}
    owner = {**owner, "status": status(owner, new, [], NOW)}
    waits = seconds_to_deadline(owner, NOW)
    late = status(owner, new, [], NOW + timedelta(seconds=62))

    assert 61 == waits
    assert ("False", "ProgressDeadlineExceeded") == _reasons(late)["Progressing"]
    assert ("False", "MinimumReplicasUnavailable") == _reasons(late)["Available"]


def test_progress_moves_the_deadline() -> None:
    """A pod more that is available counts as progress, and the deadline runs anew from then."""
    owner = deployment(3, progressDeadlineSeconds=60)
    owner = {**owner, "status": status(owner, _set_of(owner, replicas=3, available=0), [], NOW)}
    later = NOW + timedelta(seconds=50)
    owner = {**owner, "status": status(owner, _set_of(owner, replicas=3, available=1), [], later)}

    assert ("True", "ReplicaSetUpdated") == _reasons(owner["status"])["Progressing"]
    assert 61 == seconds_to_deadline(owner, later)


def test_pods_that_fail_later_are_no_lack_of_progress() -> None:
    """A rollout that was complete does not become late when pods fail afterwards."""
    owner = deployment(3)
    whole = _set_of(owner, replicas=3, available=3)
    for _ in range(2):
        owner = {**owner, "status": status(owner, whole, [], NOW)}
    broken = _set_of(owner, replicas=3, available=0)
    found = status(owner, broken, [], NOW + timedelta(hours=1))

    assert ("True", "NewReplicaSetAvailable") == _reasons(found)["Progressing"]
    assert ("False", "MinimumReplicasUnavailable") == _reasons(found)["Available"]


@pytest.mark.parametrize(("paused", "reason"), [(True, "DeploymentPaused"), (False, "DeploymentResumed")])
def test_pausing_and_resuming_are_told(paused: bool, reason: str) -> None:
    """Progressing is unknown while a Deployment is paused, and at first after it is resumed."""
    owner = deployment(3, paused=True)
    owner = {**owner, "status": status(owner, None, [], NOW)}
    owner["spec"]["paused"] = paused
    found = status(owner, None, [], NOW)

    assert ("Unknown", reason) == _reasons(found)["Progressing"]


def test_a_failure_to_make_pods_is_passed_on() -> None:
    """What keeps a ReplicaSet from making pods stands on the Deployment, too, and goes when it is over."""
    owner = deployment(1)
    new = _set_of(owner, replicas=1)
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "the webhook refused",
        "lastTransitionTime": ago(5),
    }
    new["status"]["conditions"] = [failure]
    failed = status(owner, new, [], NOW)
    new["status"]["conditions"] = []
    cured = status({**owner, "status": failed}, new, [], NOW)

    assert ("True", "FailedCreate") == _reasons(failed)["ReplicaFailure"]
    assert "ReplicaFailure" not in _reasons(cured)
    assert "the webhook refused" == dig(failed["conditions"], -1, "message")
