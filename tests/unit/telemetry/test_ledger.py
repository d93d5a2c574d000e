"""What the callers' counters say is new."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from canario.telemetry.counts import Counts, Node, Reading
from canario.telemetry.ledger import Ledger, Proxy

A, B = Node("ns", "nodejs", "a"), Node("ns", "nodejs", "b")
POD = Proxy("uid", created=100.0)


def reading(started: float = 0.0, **requests: int) -> Reading:
    """A reading of nodes `a` and `b` with so many requests."""
    return Reading(started, {Node("ns", "nodejs", name): Counts(count) for name, count in requests.items()})


def requests(new: dict[Node, Counts]) -> dict[str, int]:
    return {node.node: counts.requests for node, counts in new.items()}


def test_first_sight_of_an_old_pod() -> None:
    """What a pod had counted before the collector began is a baseline, not news."""
    ledger, first = Ledger(since=101.0).advance({POD: reading(a=50)})
    _, second = ledger.advance({POD: reading(a=53)})

    assert ({"a": 0}, {"a": 3}) == (requests(first), requests(second))


def test_first_sight_of_a_new_pod() -> None:
    """A pod that is younger than the collector began at zero: all of its counts are news."""
    _, new = Ledger(since=99.0).advance({POD: reading(a=50)})

    assert requests(new) == {"a": 50}


def test_zeros() -> None:
    """A node that a caller knows and did not call has zeros; one that no caller knows is absent."""
    ledger, _ = Ledger(since=99.0).advance({POD: reading(a=5)})
    _, new = ledger.advance({POD: reading(a=5, b=0)})

    assert requests(new) == {"a": 0, "b": 0}


def test_nobody_answered() -> None:
    """Without a reading there is no news, not even zeros."""
    ledger, _ = Ledger(since=99.0).advance({POD: reading(a=5)})

    assert ledger.advance({})[1] == {}


def test_new_cluster() -> None:
    """A node that appears in a proxy that was read before began at zero."""
    ledger, _ = Ledger(since=101.0).advance({POD: reading(a=5)})
    _, new = ledger.advance({POD: reading(a=5, b=4)})

    assert requests(new) == {"a": 0, "b": 4}


def test_restart_with_higher_counters() -> None:
    """A restarted Envoy counts from zero, also when it has already counted more than before."""
    ledger, _ = Ledger(since=99.0).advance({POD: reading(started=100.0, a=5)})
    _, new = ledger.advance({POD: reading(started=110.0, a=8)})

    assert requests(new) == {"a": 8}


def test_forgotten_counter() -> None:
    """A counter that Envoy forgot begins at zero; the others of the same node go on."""
    ledger, _ = Ledger(since=99.0).advance({POD: Reading(100.0, {A: Counts(50, 5, 50, {10.0: 5})})})
    _, new = ledger.advance({POD: Reading(100.0, {A: Counts(60, 2, 3, {10.0: 1})})})

    assert new[A] == Counts(10, 2, 3, {10.0: 1})


def test_several_callers() -> None:
    """The callers' news of a node are added up."""
    other = Proxy("other", created=100.0)
    _, new = Ledger(since=99.0).advance({POD: reading(a=5), other: reading(a=7)})

    assert requests(new) == {"a": 12}


def test_gone_callers_are_forgotten() -> None:
    """Callers whose pods are gone are not remembered."""
    ledger, _ = Ledger(since=99.0).advance({POD: reading(a=5)})

    assert (POD in ledger.keep({"uid"}).last, POD in ledger.keep(set()).last) == (True, False)


@dataclass
class Envoy:
    """A model of a caller: what it has counted in its present life, and what nobody could have read."""

    started: float = 0.0
    counted: dict[Node, Counts] = field(default_factory=lambda: {A: Counts(), B: Counts()})
    read: dict[Node, Counts] = field(default_factory=dict)
    lost: dict[Node, int] = field(default_factory=lambda: {A: 0, B: 0})

    def restart(self, now: float) -> None:
        for node, counts in self.counted.items():
            self.lost[node] += counts.requests - self.read.get(node, Counts()).requests
        self.started, self.counted, self.read = now, {A: Counts(), B: Counts()}, {}


callers = st.integers(0, 2)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("call"), callers, st.sampled_from([A, B]), st.booleans()),
        st.tuples(st.just("scrape"), st.sets(callers)),
        st.tuples(st.just("restart"), callers),
    ),
    max_size=60,
)


@given(steps)
def test_totals(steps: list[tuple]) -> None:
    """However calls, scrapes and restarts interleave, every request is told once, but for those that an Envoy
    had counted after its last scrape when it was restarted: nobody can know them."""
    ledger, now = Ledger(since=0.0), 1.0
    envoys = [Envoy() for _ in range(3)]
    told, called = {A: 0, B: 0}, {A: 0, B: 0}
    failed, told_failed = 0, 0
    for step in [*steps, ("scrape", {0, 1, 2})]:
        now += 2
        match step:
            case ("call", caller, node, fails):
                envoys[caller].counted[node] += Counts(1, int(fails))
                called[node] += 1
                failed += fails
            case ("restart", caller):
                envoys[caller].restart(now)
            case ("scrape", seen):
                readings = {
                    Proxy(str(caller), 1.0): Reading(envoys[caller].started, dict(envoys[caller].counted))
                    for caller in seen
                }
                ledger, new = ledger.advance(readings)
                for caller in seen:
                    envoys[caller].read = dict(envoys[caller].counted)
                for node, counts in new.items():
                    told[node] += counts.requests
                    told_failed += counts.errors
    lost = {node: sum(envoy.lost[node] for envoy in envoys) for node in (A, B)}

    assert told == {node: called[node] - lost[node] for node in (A, B)}
    assert failed - sum(lost.values()) <= told_failed <= failed
