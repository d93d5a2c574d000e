"""What reaches the topic: the bus's own events, and CloudWatch's of the installation's alarms."""

from types import SimpleNamespace
from typing import Any

import pytest

from lambdas import canary_notify
from tests.fakes import FakeRolloutRecords


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Subject and message of everything that was published."""
    told: list[tuple[str, str]] = []
    topic = SimpleNamespace(publish=lambda subject, message: told.append((subject, message)))
    made = SimpleNamespace(rollouts=FakeRolloutRecords(), topic=topic)
    monkeypatch.setattr(canary_notify, "composition", lambda: made)
    return told


def context() -> Any:
    facts = {"function_name": "notify", "memory_limit_in_mb": 1, "invoked_function_arn": "arn", "aws_request_id": "1"}
    return SimpleNamespace(**facts)


def test_an_alarm_of_the_installation_is_told(told: list[tuple[str, str]]) -> None:
    """Its name, what it is about, CloudWatch's reason and since when."""
    state = {"value": "ALARM", "reason": "Threshold Crossed: 3 errors", "timestamp": "2026-11-27T19:41:00.000+0000"}
    about = {"configuration": {"description": "Canario: Pods and Cloud Map are not made equal"}}
    detail = {"alarmName": "Canario-RegistrarFails", "state": state, **about}
    canary_notify.handler({"source": "aws.cloudwatch", "detail-type": "…", "detail": detail}, context())
    ((subject, message),) = told

    assert "Canario: the alarm Canario-RegistrarFails went off" == subject
    for part in (about["configuration"]["description"], state["reason"], state["timestamp"]):
        assert part in message


def test_an_event_of_the_bus_is_told(told: list[tuple[str, str]]) -> None:
    """In the notice's own words."""
    detail = {"rollout": "r1", "router": "ns/r", "workshop": "w", "outcome": "held", "decisions": 0}
    canary_notify.handler({"source": "canario", "detail-type": "OrderEnded", "detail": detail}, context())

    assert ["Canario: held: r1 of ns/r"] == [subject for subject, _ in told]
