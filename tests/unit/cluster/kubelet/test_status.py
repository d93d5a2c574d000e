"""Phase, conditions, probes and back-off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.kubelet.backoff import FIRST, HEALTHY, MOST, BackOff
from lab.cluster.kubelet.errors import ConfigError
from lab.cluster.kubelet.probes import Attempt, Tally, Timing, port_number, timed_out
from lab.cluster.kubelet.state import ContainerState, Running, State, Terminated, Waiting
from lab.cluster.kubelet.status import Facts, phase, pod_status
from lab.cluster.objects import Obj, dig

_NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_RUNNING = Running(_NOW)
_DONE = Terminated(0, "Completed", _NOW, _NOW)
_FAILED = Terminated(3, "Error", _NOW, _NOW)
_CREATING = Waiting("ContainerCreating")


def _container(
    state: State, name: str = "app", *, ready: bool = False, last: Terminated | None = None
) -> ContainerState:
    return ContainerState(name, "img", state, last=last, ready=ready, started=ready)


def _facts(*main: ContainerState, init: tuple[ContainerState, ...] = ()) -> Facts:
    return Facts(init, main, "127.77.16.1", "127.77.0.1", _NOW)


@pytest.mark.parametrize(
    ("policy", "states", "expected"),
    [
        ("Always", [_CREATING], "Pending"),
        ("Always", [_RUNNING, _CREATING], "Pending"),
        ("Always", [_RUNNING, _RUNNING], "Running"),
        ("Always", [_DONE], "Running"),
        ("Never", [_DONE, _RUNNING], "Running"),
        ("Never", [_DONE, _DONE], "Succeeded"),
        ("Never", [_DONE, _FAILED], "Failed"),
        ("OnFailure", [_DONE, _FAILED], "Running"),
        ("OnFailure", [_DONE, _DONE], "Succeeded"),
    ],
)
def test_the_phase_follows_the_containers(policy: str, states: list[State], expected: str) -> None:
    """A pod's phase is what Kubernetes would derive from its containers and its restart policy."""
    assert expected == phase(_facts(*map(_container, states)), policy)


def test_a_container_that_backs_off_is_running_to_the_pod() -> None:
    """A pod whose container waits to be started again is Running; one that was never started is Pending."""
    waiting = _container(Waiting("CrashLoopBackOff"), last=_FAILED)

    assert "Running" == phase(_facts(waiting), "Always")


@pytest.mark.parametrize(
    ("policy", "state", "expected"),
    [("Always", _RUNNING, "Pending"), ("Always", _FAILED, "Pending"), ("Never", _FAILED, "Failed")],
)
def test_init_containers_come_first(policy: str, state: State, expected: str) -> None:
    """Until its init containers are through a pod is Pending; one that failed for good makes it Failed."""
    facts = _facts(_container(Waiting("PodInitializing")), init=(_container(state, "init"),))

    assert expected == phase(facts, policy)
    assert "False" == _conditions(pod_status({}, facts, _NOW))["Initialized"]["status"]


def test_a_sidecar_counts_once_it_has_started() -> None:
    """An init container that stays lets the pod go on when started, and must be ready for the pod to be."""
    sidecar = replace(_container(_RUNNING, "proxy"), sidecar=True, started=True)
    facts = _facts(_container(_RUNNING, ready=True), init=(sidecar,))
    conditions = _conditions(pod_status({}, facts, _NOW))

    assert "Running" == phase(facts, "Always")
    assert "True" == conditions["Initialized"]["status"]
    assert "containers with unready status: [proxy]" == conditions["Ready"]["message"]


def test_a_sidecar_that_ends_after_the_work_does_not_undo_it() -> None:
    """A pod whose containers are done has Succeeded, also when its sidecar has been stopped since."""
    sidecar = replace(_container(Terminated(143, "Error", _NOW, _NOW), "proxy"), sidecar=True)
    facts = _facts(_container(_DONE), init=(sidecar,))

    assert "Succeeded" == phase(facts, "Never")


def _conditions(status: Obj) -> dict[str, Obj]:
    return {c["type"]: c for c in status["conditions"]}


def test_a_ready_pod_keeps_the_time_it_became_so() -> None:
    """Conditions keep their transition time while they stay the same, and other people's conditions stay."""
    facts = _facts(_container(_RUNNING, ready=True))
    foreign = {"type": "example.com/checked", "status": "True"}
    first = pod_status({"status": {"conditions": [foreign]}}, facts, _NOW)
    second = pod_status({"status": first}, facts, _NOW + timedelta(hours=1))

    assert first == second
    assert foreign in second["conditions"]
    assert "True" == _conditions(second)["Ready"]["status"]


def test_a_readiness_gate_holds_a_pod_back() -> None:
    """A pod is ready only when the conditions that its readinessGates name are true, too."""
    pod = {"spec": {"readinessGates": [{"conditionType": "example.com/checked"}]}}
    conditions = _conditions(pod_status(pod, _facts(_container(_RUNNING, ready=True)), _NOW))

    assert "True" == conditions["ContainersReady"]["status"]
    assert "ReadinessGatesNotReady" == conditions["Ready"]["reason"]


def test_a_finished_pod_is_not_ready_and_says_why() -> None:
    """A pod that is done is not ready, with the reason PodCompleted."""
    status = pod_status({"spec": {"restartPolicy": "Never"}}, _facts(_container(_DONE)), _NOW)

    assert "Succeeded" == status["phase"]
    assert "PodCompleted" == _conditions(status)["Ready"]["reason"]
    assert 0 == dig(status, "containerStatuses", 0, "state", "terminated", "exitCode")


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 4), st.integers(1, 4))
def test_a_verdict_needs_enough_attempts_in_a_row(results: list[bool], successes: int, failures: int) -> None:
    """A probe passes after successThreshold attempts in a row that passed, and fails likewise; between, neither."""
    timing, tally = Timing(successes=successes, failures=failures), Tally()
    for result in results:
        tally = tally.and_then(Attempt(result, ""))

    def ends_with(value: bool, count: int) -> bool:
        return len(results) >= count and all(r is value for r in results[-count:])

    expected = True if ends_with(True, successes) else False if ends_with(False, failures) else None
    assert expected is tally.verdict(timing)


def test_an_early_failure_does_not_count() -> None:
    """Attempts between the regular ones can only help: their failures are not counted."""
    early = Attempt(False, "", early=True)

    assert Tally() == Tally().and_then(early)
    assert Tally(0, 2) == Tally(0, 2).and_then(early)


def test_a_kubelet_that_was_held_up_does_not_count_a_time_out() -> None:
    """It came to look long after the time was over, when an answer may have been there in time. The event says so."""
    in_time, held_up = timed_out(1, 1.02), timed_out(1, 2.7)

    assert Tally(0, 1) == Tally(3, 0).and_then(in_time)
    assert Tally(3, 0) == Tally(3, 0).and_then(held_up)
    assert "timed out after 1 s" == in_time.message
    assert "timed out after 1 s, noticed after 2.7 s: this machine is too busy to say" == held_up.message


def test_a_probe_has_kubernetes_defaults() -> None:
    """A probe that says nothing asks every 10 s, waits 1 s, passes at once and fails after 3."""
    assert Timing(0, 10, 1, 1, 3) == Timing.of({"httpGet": {}})


def test_a_port_is_a_number_or_a_name() -> None:
    """A probe's port may be a number, a number as text, or the name of one of the container's ports."""
    container = {"name": "app", "ports": [{"name": "http", "containerPort": 3000}]}

    assert [3000, 81, 82] == [port_number(container, {"port": p}) for p in ("http", 81, "82")]
    with pytest.raises(ConfigError, match="container app has no port named 'grpc'"):
        port_number(container, {"port": "grpc"})


def test_the_back_off_doubles_up_to_its_end() -> None:
    """The first restart is at once, then the waits double up to the longest; a healthy run starts afresh."""
    backoff, waits = BackOff(), []
    for _ in range(9):
        backoff = backoff.after(0.1)
        waits.append(backoff.delay)

    assert [0, FIRST, 2, 4, 8, 16, 32, MOST, MOST] == waits
    assert 0 == backoff.after(HEALTHY).delay
