"""The telemetry contract, datum by datum."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from canario.telemetry import datapoints
from canario.telemetry.counts import Answers, Counts, Node

NODE = Node("ns", "nodejs", "nodejsv2-app")
SECOND = 1_795_000_000


def named(datum: datapoints.Datum) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in datum["Dimensions"]}


def test_contract() -> None:
    """Requests, Errors and Slower by edge are counts, Latency is milliseconds; all of one second, high-resolution."""
    counts = Counts(10, 2, 9, {5.0: 4, 250.0: 1})
    found = datapoints.data({NODE: counts}, {"ns": "turma-01"}, SECOND)
    of = {"Workshop": "turma-01", "Service": "nodejs", "Node": "nodejsv2-app"}

    assert [("Requests", 10.0), ("Errors", 2.0), ("Slower", 4.0), ("Slower", 1.0)] == [
        (datum["MetricName"], datum["Value"]) for datum in found[:4]
    ]
    assert [of, of, {**of, "Edge": "5"}, {**of, "Edge": "250"}, of] == [named(datum) for datum in found]
    assert ("Latency", "Milliseconds") == (found[4]["MetricName"], found[4]["Unit"])
    assert ((2.5, 127.5, 250.0), (5.0, 3.0, 1.0)) == (found[4]["Values"], found[4]["Counts"])
    assert {(datetime.fromtimestamp(SECOND, UTC), 1)} == {
        (datum["Timestamp"], datum["StorageResolution"]) for datum in found
    }


def test_pods() -> None:
    """Requests and Errors by the further dimension Pod, the pod's name; of an address that is nobody's, none."""
    counts = Counts(9, 3, pods={"127.9.16.2": Answers(7, 1), "127.9.16.3": Answers(2, 2), "127.9.16.9": Answers(5, 5)})
    names = {"127.9.16.2": "v2-a", "127.9.16.3": "v2-b"}
    found = datapoints.data({NODE: counts.named(names)}, {}, SECOND)[2:]
    of = {"Workshop": "ns", "Service": "nodejs", "Node": "nodejsv2-app"}

    assert [
        ("Requests", 7.0, {**of, "Pod": "v2-a"}),
        ("Errors", 1.0, {**of, "Pod": "v2-a"}),
        ("Requests", 2.0, {**of, "Pod": "v2-b"}),
        ("Errors", 2.0, {**of, "Pod": "v2-b"}),
    ] == [(datum["MetricName"], datum["Value"], named(datum)) for datum in found]


def test_silence_has_no_latency() -> None:
    """A node that was not called has zeros, and no latency at all."""
    found = datapoints.data({NODE: Counts(0, 0, 0, {5.0: 0})}, {}, SECOND)

    assert ["Requests", "Errors", "Slower"] == [datum["MetricName"] for datum in found]
    assert {0.0} == {datum["Value"] for datum in found}


def test_workshops() -> None:
    """The workshop is the namespace's label; without it the namespace is its own."""
    labelled = {"metadata": {"name": "a", "labels": {"canario/workshop": "turma-01"}}}
    bare = {"metadata": {"name": "b", "labels": None}}

    assert datapoints.workshops([labelled, bare]) == {"a": "turma-01", "b": "b"}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(0, 50))
def test_latency_counts_every_answer(inside: list[int], beyond: int) -> None:
    """Every answered request is in exactly one of the latency's values."""
    edges = [float(10 * (number + 1)) for number in range(len(inside))]
    slower = {edge: sum(inside[number + 1 :]) + beyond for number, edge in enumerate(edges)}
    answered = sum(inside) + beyond
    found = datapoints.data({NODE: Counts(answered, 0, answered, slower)}, {}, SECOND)
    latency = [datum for datum in found if datum["MetricName"] == "Latency"]

    assert sum(sum(datum["Counts"]) for datum in latency) == answered


def test_batches() -> None:
    """No batch is larger than a call may be, and none is lost."""
    found = list(datapoints.batches([{}] * 1234))

    assert [500, 500, 234] == [len(batch) for batch in found]
