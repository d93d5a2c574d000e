"""The contract of a stage: what it is, how it is proved, what a check may say.

A stage is data: its checks and its two actions are functions of the request and the ports, so that the same
stage runs in a Lambda, from the command line and in a test.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from canario.errors import CanarioError
from canario.workshop.ports import Ports
from canario.workshop.request import Request


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """What measuring one condition brought."""

    status: Status
    message: str
    measured: Mapping[str, Any] = field(default_factory=dict)
    final: bool = False  # waiting cannot mend it

    def __post_init__(self) -> None:
        if self.status is Status.PASSED and not self.measured:
            raise ValueError(f"a check passed without a measurement: {self.message}")


def passed(message: str, **measured: Any) -> Finding:
    return Finding(Status.PASSED, message, measured)


def failed(message: str, **measured: Any) -> Finding:
    return Finding(Status.FAILED, message, measured)


def refused(message: str, **measured: Any) -> Finding:
    """Failed, and no wait can mend it."""
    return Finding(Status.FAILED, message, measured, final=True)


def inconclusive(message: str, **measured: Any) -> Finding:
    return Finding(Status.INCONCLUSIVE, message, measured)


@dataclass(frozen=True)
class Check:
    """One named condition of a stage."""

    name: str
    measure: Callable[[Request, Ports], Finding]

    def run(self, request: Request, ports: Ports) -> "CheckResult":
        """Measure; a remote system that refuses is the result `error`, not an exception."""
        try:
            finding = self.measure(request, ports)
        except CanarioError as error:
            finding = Finding(Status.ERROR, str(error))
        return CheckResult(self.name, finding)


@dataclass(frozen=True)
class CheckResult:
    name: str
    finding: Finding

    @property
    def passed(self) -> bool:
        return self.finding.status is Status.PASSED

    def to_dict(self) -> dict[str, Any]:
        finding = self.finding
        return {
            "name": self.name,
            "status": str(finding.status),
            "message": finding.message,
            "measured": dict(finding.measured),
        }

    def __str__(self) -> str:
        return f"{self.name} {self.finding.status}: {self.finding.message}"


@dataclass(frozen=True)
class ByHand:
    """The attendee's part of a stage whose end is the machine's.

    `checks` prove it; `take_over` is what the machine does after it, instead of `solve`, and returns the same.
    """

    checks: tuple[Check, ...]
    take_over: Callable[[Request, Ports], Mapping[str, Any]]


@dataclass(frozen=True)
class Stage:
    """One stage of the document.

    `solve` does the stage's work and is idempotent; it returns what the state machine needs next, and raises
    NotReady when something it made earlier has to settle first. `clean` undoes the stage. Both may be repeated.
    """

    id: str
    section: str  # the document's own title
    deadline_seconds: int
    checks: tuple[Check, ...]
    solve: Callable[[Request, Ports], Mapping[str, Any]]
    clean: Callable[[Request, Ports], None]
    by_hand: ByHand | None = None  # guided: where the machine has something left to do after the attendee
    needs_traffic: bool = False  # it cannot be done in a moment, for somebody who comes late
    failure: str = "failed"  # what its record says when it did not come to its end

    def check(self, request: Request, ports: Ports) -> tuple[CheckResult, ...]:
        return tuple(check.run(request, ports) for check in self.checks)


def nothing_to_clean(request: Request, ports: Ports) -> None:
    """For stages that only look."""
