"""Starts by people, pushes and schedules, alone and in an order; freezes; templates."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from canario.canary import in_order, starting
from canario.canary.notices import KINDS, notice
from canario.canary.ports import Target
from canario.canary.starting import Cause, Office
from canario.canary.template import parse_template
from canario.errors import InvalidInput
from tests.fakes import NOW, FakeEvents, FakeRolloutRecords, FakeRouters
from tests.fakes.rollouts import FakeCalendars, FakeStarter, FakeTemplates

TARGET = Target("w", "appmesh", "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")
PUSH = {
    "repository": "canario/nodejs-v2",
    "tags": ["v*"],
    "container": "nodejs",
    "deployments": {"nodejs-app": "nodejs-app", "nodejsv2-app": "nodejsv2-app"},
}
GIVEN: dict[str, Any] = {"name": "nodejs", "target": dict(vars(TARGET)), "plan": {"alpha": 0.02}, "push": PUSH}
EVENT = {
    "source": "aws.ecr",
    "detail": {"repository-name": "canario/nodejs-v2", "image-tag": "v3", "image-digest": "sha256:0123456789abcdef"},
}
BY_HAND = Cause("ana", "20261102")


@dataclass
class Desk:
    templates: FakeTemplates = field(default_factory=FakeTemplates)
    calendars: FakeCalendars = field(default_factory=FakeCalendars)
    machine: FakeStarter = field(default_factory=FakeStarter)
    order: FakeStarter = field(default_factory=FakeStarter)
    routers: FakeRouters = field(default_factory=FakeRouters)
    events: FakeEvents = field(default_factory=FakeEvents)

    def __post_init__(self) -> None:
        self.routers.set(TARGET, 0.0)
        self.put()

    def put(self, **more: Any) -> None:
        self.templates.put(parse_template({**GIVEN, **more}))

    @property
    def office(self) -> Office:
        return Office(self.templates, self.calendars, self.machine, self.order, self.routers, self.events)

    def push(self, tag: str = "v3") -> list[dict[str, Any]]:
        event = {**EVENT, "detail": {**EVENT["detail"], "image-tag": tag}}  # type: ignore[dict-item]
        return starting.start_pushed(*starting.push_of(event, "registry"), self.office, NOW)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_push_starts_the_rollout_of_its_repository(desk: Desk) -> None:
    """The canary's Deployment gets the image by its digest, and the record says what started it."""
    answers = desk.push()
    started = desk.machine.started["nodejs-0123456789ab"]

    assert answers == [{"rollout": "nodejs-0123456789ab", "started": True}]
    assert started["by"] == "the push of canario/nodejs-v2:v3"
    assert started["image"] == {
        "deployment": "nodejsv2-app",
        "container": "nodejs",
        "reference": "registry/canario/nodejs-v2@sha256:0123456789abcdef",
    }


def test_a_push_that_comes_twice_starts_once(desk: Desk) -> None:
    """The image's digest is in the rollout's name: EventBridge may deliver again."""
    desk.push()

    assert desk.push() == [{"rollout": "nodejs-0123456789ab", "started": False}]


def test_other_pushes_are_nobodys_rollout(desk: Desk) -> None:
    """A tag that no pattern matches, like a repository that no template names, starts nothing and fails nothing."""
    assert desk.push("nightly") == []
    assert desk.machine.started == {}


def test_after_a_promotion_the_nodes_change_places(desk: Desk) -> None:
    """The node without traffic is the next canary, and its Deployment gets the image."""
    desk.routers.set(TARGET, 1.0)
    desk.push()
    (started,) = desk.machine.started.values()

    assert (started["target"]["baseline"], started["target"]["canary"]) == ("nodejsv2-app", "nodejs-app")
    assert started["image"]["deployment"] == "nodejs-app"


@pytest.mark.parametrize(
    "freeze",
    [
        {"calendars": ["holidays"]},
        {"windows": [{"start": "2026-11-02T08:00:00-03:00", "end": "2026-11-02T10:00:00-03:00"}]},
    ],
)
def test_in_a_freeze_nothing_starts_and_the_bus_is_told(desk: Desk, freeze: dict[str, Any]) -> None:
    """By a closed change calendar or by a window of the template's own."""
    desk.calendars.shut = {"holidays"}
    desk.put(freeze=freeze)
    (answer,) = desk.push()
    ((kind, detail),) = desk.events.put_events

    assert (desk.machine.started, set(answer)) == ({}, {"template", "frozen"})
    assert (kind, detail["by"]) == ("RolloutFrozen", "the push of canario/nodejs-v2:v3")


def test_outside_a_freeze_it_starts(desk: Desk) -> None:
    """An open calendar and a window that is over keep nothing from starting."""
    windows = [{"start": "2026-11-01T00:00:00Z", "end": NOW.isoformat()}]
    desk.put(freeze={"calendars": ["holidays"], "windows": windows})

    assert desk.push()[0]["started"]


def test_a_name_that_is_no_templates_is_refused_with_those_that_are(desk: Desk) -> None:
    """The error lists what could be started."""
    with pytest.raises(InvalidInput, match=r"template: 'crystal' is not allowed.*: nodejs"):
        starting.start_named("crystal", BY_HAND, desk.office, NOW)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "Not A Label"}, "name"),
        ({"gates": [2]}, "gates"),
        ({"plan": {"alpha": 9}}, "alpha"),
        ({"target": {}}, "target"),
        ({"push": {}}, "repository"),
        ({"push": {**PUSH, "deployments": {}}}, "push.deployments"),
        ({"push": {**PUSH, "tags": []}}, "push.tags"),
        ({"freeze": {"calendars": "x"}}, "freeze.calendars"),
        (
            {"freeze": {"windows": [{"start": "2026-01-01T00:00:00", "end": "2026-01-02T00:00:00"}]}},
            "freeze.windows[0]",
        ),
        ({"alarms": "a"}, "alarms"),
        ({"speed": 1}, "speed"),
    ],
)
def test_a_template_that_is_none_is_refused_by_field(given: dict[str, Any], field: str) -> None:
    """One line names the field, its value and what is allowed."""
    with pytest.raises(InvalidInput) as refused:
        parse_template({**GIVEN, **given})
    assert refused.value.field == field


def test_an_order_is_started_as_one(desk: Desk) -> None:
    """Every template's rollout in its place, each with its own name."""
    crystal = {**vars(TARGET), "router": "crystal-router"}
    desk.templates.put(parse_template({"name": "crystal", "target": crystal}))
    desk.routers.routers["ns/crystal-router"] = desk.routers.routers[TARGET.key]
    answer = starting.start_in_order(["crystal", "nodejs"], BY_HAND, desk.office, NOW)
    started = desk.order.started[answer["order"]]

    assert [each["rollout"] for each in started["rollouts"]] == ["crystal-20261102", "nodejs-20261102"]
    assert desk.machine.started == {}


def in_an_order(done: list[dict[str, Any]]) -> tuple[dict[str, Any], FakeRolloutRecords, FakeEvents]:
    records, events = FakeRolloutRecords(), FakeEvents()
    given = {"by": "ana", "rollouts": [{"target": dict(vars(TARGET)), "rollout": name} for name in ("r1", "r2")]}
    return in_order.following("o1", given, done, records, events, NOW), records, events


def test_the_next_rollout_comes_after_a_promotion() -> None:
    """First the first, then the second, then the end."""
    promoted = {"outcome": "promoted", "reason": "safe"}
    first, _, _ = in_an_order([])
    second, _, _ = in_an_order([{"rollout": "r1", **promoted}])
    end, records, events = in_an_order([{"rollout": "r1", **promoted}, {"rollout": "r2", **promoted}])

    assert (first["next"]["rollout"], second["next"]["rollout"]) == ("r1", "r2")
    assert (end["outcome"], "next" in end) == ("promoted", False)
    assert [entry["kind"] for entry in records.entries("order-o1")] == ["rollout_ended", "rollout_ended", "order_ended"]
    assert [kind for kind, _ in events.put_events] == ["OrderEnded"]


@pytest.mark.parametrize("outcome", ["held", "rolled_back", "failed"])
def test_after_any_other_end_nothing_follows(outcome: str) -> None:
    """The rollouts that are left out are named."""
    end, _, _ = in_an_order([{"rollout": "r1", "outcome": outcome, "reason": "because"}])

    assert (end["outcome"], end["left_out"]) == ("stopped", ["r2"])
    assert end["reason"] == f"r1 ended {outcome}: because"


def test_rollouts_of_one_name_are_no_order() -> None:
    """Each needs a name of its own, by which it is recorded."""
    given = {"rollouts": [{"target": dict(vars(TARGET)), "rollout": "r1"}] * 2}

    with pytest.raises(InvalidInput, match="rollouts"):
        in_order.following("o1", given, [], FakeRolloutRecords(), FakeEvents(), NOW)


def test_people_read_the_reason_and_the_numbers() -> None:
    """What happened to which router, why, and the last decision's counts and evidence."""
    window = {"start": "a", "end": "b", "requests": 60, "errors": 7, "baseline_requests": 600, "baseline_errors": 1}
    decision = {"kind": "decision", "evidence": {"harmful": 1234.5}, **window}
    detail = {"rollout": "r1", "router": "ns/r", "outcome": "rolled_back", "reason": "7 failed", "share": 0.0}
    subject, message = notice("RolloutEnded", {**detail, "decisions": 4}, [{"kind": "started"}, decision])

    assert subject == "Canario: rolled back: r1 of ns/r"
    for part in ("Why: 7 failed", "canary 7 of 60", "baseline 1 of 600", "harmful = 1234.5", "canario canary show r1"):
        assert part in message


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_notice_has_its_words(kind: str) -> None:
    """Also where the event has nothing but what it must have."""
    detail = {"rollout": "r1", "outcome": "held", "kind": "abort", "by": "ana", "decisions": 0}
    subject, message = notice(kind, detail, [])

    assert subject.startswith("Canario: ")
    assert "\n" not in subject
    assert "r1" in message


def test_a_schedules_time_makes_its_own_name() -> None:
    """Another time is another rollout; what cannot be in a name is left out."""
    assert starting.mark("2026-11-02T12:00:00Z") == "20261102T120000Z"
    assert starting.mark("<>") == "now"
