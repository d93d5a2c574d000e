"""A workshop's time to live: warned of, extended, over."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from canario.errors import Conflict, InvalidInput, RemoteError
from canario.workshop import run
from canario.workshop.frozen import FROZEN
from canario.workshop.kinds import NAMESPACE
from canario.workshop.lifetime import Looked, extended, look
from canario.workshop.ports import Lifetime, Ports
from canario.workshop.request import Request, parse_request
from tests.fakes import NOW, fake_ports
from tests.fakes.lifetimes import FakeLifetimes, FakeMachine

W = "turma-01"
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"appmesh-workshop-{W}"}}
CLEANING = f"{W}-expired-20261102T140000"


def request(**given: object) -> Request:
    return parse_request({"workshop": W, "ttl_hours": 2, **given}, dialects=("appmesh",))


@dataclass
class Room:
    """A workshop of two hours that began at NOW, with its execution."""

    ports: Ports = field(default_factory=lambda: fake_ports([SPACE]))
    machine: FakeMachine = field(default_factory=FakeMachine)

    def __post_init__(self) -> None:
        self.machine.start("run-1", {})
        run.begin(request(), self.ports, "run-1")
        self.ports.events.put_events.clear()

    def after(self, minutes: float) -> Ports:
        return replace(self.ports, now=NOW + timedelta(minutes=minutes))

    def look(self, minutes: float) -> Looked:
        return look(self.after(minutes), self.machine)

    @property
    def said(self) -> list[str]:
        return [kind for kind, _ in self.ports.events.put_events]

    @property
    def frozen(self) -> bool:
        found = self.ports.kubernetes.get(NAMESPACE, SPACE["metadata"]["name"])
        return FROZEN in found["metadata"].get("annotations", {})


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_workshop_is_warned_of_once_an_hour_before_its_end(room: Room) -> None:
    """However often somebody looks."""
    assert [Looked(), Looked(warned=(W,)), Looked()] == [room.look(minutes) for minutes in (59, 61, 66)]

    (event,) = room.ports.events.put_events
    assert ("WorkshopExpires", W, 59 * 60) == (event[0], event[1]["workshop"], event[1]["seconds_left"])
    assert not room.frozen


def test_a_workshop_whose_time_is_over_is_frozen_stopped_and_cleaned(room: Room) -> None:
    """Its execution ends where it stands, and another one only cleans."""
    assert Looked(expired=(W,)) == room.look(120)

    assert room.frozen
    assert {"run-1": "the workshop expired at 2026-11-02 14:00 UTC"} == room.machine.stopped
    assert {"workshop": W, "mesh": "appmesh", "only": "clean"} == room.machine.started[CLEANING]
    assert ["WorkshopExpired"] == room.said


def test_looking_again_neither_stops_the_cleaning_nor_starts_it_twice(room: Room) -> None:
    """Not even when it has ended: what is quarantined waits for a person."""
    room.look(120)
    room.look(125)
    room.machine.running.clear()
    room.look(130)

    assert {"run-1"} == set(room.machine.stopped)
    assert ["run-1", CLEANING] == list(room.machine.started)
    assert ["WorkshopExpired"] == room.said


def test_a_look_that_was_cut_off_is_finished_by_the_next(room: Room) -> None:
    """The workshop was claimed, and nothing else done."""

    class Dead(FakeMachine):
        def stop(self, name: str, cause: str) -> None:
            raise RemoteError("stopping: no answer")

    assert (f"{W}: stopping: no answer",) == look(room.after(120), Dead()).problems

    room.look(125)

    assert {"run-1"} == set(room.machine.stopped)
    assert CLEANING in room.machine.started


def test_trouble_with_one_keeps_no_other_waiting(room: Room) -> None:
    """Its trouble is in the answer."""
    room.ports.lifetimes.put(Lifetime("a", "appmesh", "run-a", NOW), None)

    class Dead(FakeMachine):
        def stop(self, name: str, cause: str) -> None:
            if name == "run-a":
                raise RemoteError("stopping: no answer")

    looked = look(room.after(120), Dead())

    assert (W,) == looked.expired
    assert ("a: stopping: no answer",) == looked.problems


def test_an_extension_moves_the_end_and_warns_anew(room: Room) -> None:
    """Counted from the end that was, not from now."""
    room.look(61)
    longer = extended(W, 4, room.ports.lifetimes, NOW + timedelta(minutes=70))

    assert NOW + timedelta(hours=6) == longer.expires
    assert [Looked(), Looked(warned=(W,))] == [room.look(130), room.look(301)]


def test_what_has_expired_cannot_be_extended(room: Room) -> None:
    """Nor what does not live; one line says which."""
    room.look(120)

    with pytest.raises(InvalidInput, match="has expired and is being cleaned"):
        extended(W, 4, room.ports.lifetimes, NOW)
    with pytest.raises(InvalidInput, match="is not running"):
        extended("turma-02", 4, room.ports.lifetimes, NOW)


def test_of_an_extension_and_the_end_one_wins(room: Room) -> None:
    """Extended between the look's reading and its writing: nothing is frozen."""

    class Slow(FakeLifetimes):
        def all(self) -> list[Lifetime]:
            found = list(super().all())
            extended(W, 4, self, NOW)
            return found

    ports = replace(room.after(120), lifetimes=Slow(room.ports.lifetimes.kept))

    assert Looked() == look(ports, room.machine)
    assert not room.frozen
    with pytest.raises(Conflict):
        room.ports.lifetimes.put(Lifetime(W, "appmesh", "x", NOW), None)


def test_a_second_start_never_shortens_a_life(room: Room) -> None:
    """It counts from the second start where that ends later."""
    run.begin(request(ttl_hours=0.5), room.after(60), "run-2")
    first = room.ports.lifetimes.get(W)
    run.begin(request(), room.after(60), "run-3")

    assert first == Lifetime(W, "appmesh", "run-2", NOW + timedelta(hours=2))
    assert NOW + timedelta(hours=3) == room.ports.lifetimes.get(W).expires


def test_cleaning_gives_no_life(room: Room) -> None:
    """An execution that only cleans neither extends it nor begins one."""
    before = room.ports.lifetimes.get(W)
    run.begin(request(only="clean"), room.after(119), "run-2")

    assert before == room.ports.lifetimes.get(W)


def test_a_workshop_that_was_cleaned_has_no_end_any_more(room: Room) -> None:
    """Nobody warns of what is gone."""
    room.ports.records.put_stage(W, "run-1", "clean", {"status": "passed"}, NOW)
    run.end(request(), room.ports, "run-1")

    assert Looked() == room.look(1000)
