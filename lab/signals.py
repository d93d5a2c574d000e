"""What AWS's services tell EventBridge by themselves, and MiniStack's do not: changed alarms and pushed images.

lab/ministack.py applies this. The events have the fields that AWS documents for them, as far as rules go by them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

Fields = dict[str, Any]
Changed = Callable[[Fields, str, str, str], None]
Put = Callable[[Fields], Any]


def telling_alarms(cloudwatch: ModuleType, eventbridge: ModuleType) -> Changed:
    """The replacement for `_dispatch_alarm_actions` of MiniStack's module `cloudwatch`."""
    act: Changed = cloudwatch._dispatch_alarm_actions

    def changed(alarm: Fields, before: str, after: str, reason: str) -> None:
        act(alarm, before, after, reason)
        if before != after:
            detail = {
                "alarmName": alarm.get("AlarmName", ""),
                "state": {"value": after, "reason": reason},
                "previousState": {"value": before},
            }
            resources = [alarm["AlarmArn"]] if "AlarmArn" in alarm else []
            _tell(eventbridge, "aws.cloudwatch", "CloudWatch Alarm State Change", detail, resources)

    return changed


def telling_pushes(ecr: ModuleType, eventbridge: ModuleType) -> Put:
    """The replacement for `_put_image` of MiniStack's module `ecr`."""
    put: Put = ecr._put_image

    def pushed(request: Fields) -> Any:
        answer = put(request)
        status, _, body = answer
        if status == 200:
            image = json.loads(body)["image"]["imageId"]
            detail = {
                "action-type": "PUSH",
                "result": "SUCCESS",
                "repository-name": request["repositoryName"],
                "image-digest": image["imageDigest"],
                **({"image-tag": request["imageTag"]} if request.get("imageTag") else {}),
            }
            _tell(eventbridge, "aws.ecr", "ECR Image Action", detail, [])
        return answer

    return pushed


def _tell(eventbridge: ModuleType, source: str, kind: str, detail: Fields, resources: list[str]) -> None:
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "Resources": resources}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
