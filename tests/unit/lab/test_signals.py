"""The lab's MiniStack tells EventBridge what AWS's services tell it."""

import json
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from lab.signals import telling_alarms, telling_pushes


class Bus(SimpleNamespace):
    def _put_events(self, request: dict[str, Any], allow_aws_source: bool) -> None:
        assert allow_aws_source
        self.told += request["Entries"]


@pytest.fixture
def bus() -> Any:
    return Bus(told=[])


def module(**functions: Any) -> ModuleType:
    return cast(ModuleType, SimpleNamespace(**functions))


def test_an_alarm_that_changes_is_told_after_its_own_actions(bus: Any) -> None:
    """A change of state is an event; the same state again is none."""
    acted: list[str] = []
    changed = telling_alarms(module(_dispatch_alarm_actions=lambda *given: acted.append(given[2])), bus)
    changed({"AlarmName": "a"}, "OK", "ALARM", "too many")
    changed({"AlarmName": "a"}, "ALARM", "ALARM", "still")
    (event,) = bus.told

    assert acted == ["ALARM", "ALARM"]
    assert (event["Source"], event["DetailType"]) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    detail = json.loads(event["Detail"])
    assert (detail["alarmName"], detail["state"]) == ("a", {"value": "ALARM", "reason": "too many"})


def test_a_pushed_image_is_told_with_its_digest(bus: Any) -> None:
    """The answer is passed on as it was; a push that was refused is told to nobody."""
    image = {"image": {"imageId": {"imageDigest": "sha256:1"}}}
    answers = iter([(200, {}, json.dumps(image).encode()), (400, {}, b"{}")])
    pushed = telling_pushes(module(_put_image=lambda request: next(answers)), bus)
    statuses = [pushed({"repositoryName": "r", "imageTag": "v1"})[0] for _ in range(2)]
    (event,) = bus.told

    assert statuses == [200, 400]
    detail = json.loads(event["Detail"])
    assert (detail["repository-name"], detail["image-tag"], detail["image-digest"]) == ("r", "v1", "sha256:1")
