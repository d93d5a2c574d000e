"""What is known of a pod's containers: values, replaced whole when something happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lab.cluster.objects import Obj, timestamp


@dataclass(frozen=True)
class Waiting:
    reason: str
    message: str = ""

    def to_dict(self) -> Obj:
        return {"waiting": {"reason": self.reason} | ({"message": self.message} if self.message else {})}


@dataclass(frozen=True)
class Running:
    since: datetime

    def to_dict(self) -> Obj:
        return {"running": {"startedAt": timestamp(self.since)}}


@dataclass(frozen=True)
class Terminated:
    """How a run ended. `exit_code` is 128 + signal where a signal ended it."""

    exit_code: int
    reason: str
    started: datetime
    finished: datetime
    container_id: str = ""
    message: str = ""

    def to_dict(self) -> Obj:
        ended = {
            "exitCode": self.exit_code,
            "reason": self.reason,
            "startedAt": timestamp(self.started),
            "finishedAt": timestamp(self.finished),
            "containerID": self.container_id,
            "message": self.message,
        }
        return {"terminated": {key: value for key, value in ended.items() if value != ""}}


State = Waiting | Running | Terminated


@dataclass(frozen=True)
class ContainerState:
    """One container of a pod, as its status tells it."""

    name: str
    image: str
    state: State
    last: Terminated | None = None
    restarts: int = 0
    ready: bool = False
    started: bool = False
    container_id: str = ""
    image_id: str = ""
    sidecar: bool = False  # an init container that stays (restartPolicy Always)

    def to_dict(self) -> Obj:
        """An item of `containerStatuses`."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "containerID": self.container_id,
            "state": self.state.to_dict(),
            "lastState": self.last.to_dict() if self.last else {},
            "restartCount": self.restarts,
            "ready": self.ready,
            "started": self.started,
        }
