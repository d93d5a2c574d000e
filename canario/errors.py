"""The errors that a person reads.

CanarioError
├── InvalidInput       a field of the input is not allowed; nothing was changed
├── NotReady           a condition does not hold yet; worth another try
├── CheckFailed        a condition did not hold by its deadline
│   └── Quarantined    `clean` could not take everything away
├── Frozen             the workshop is being cleaned: no stage may work on it
├── Conflict           the object changed since it was read (compare-and-set lost)
├── Drift              somebody else changed what a rollout owns
├── Stopped            a person or an alarm ended a rollout
├── AlreadyRunning     the router has a rollout already
├── NotWaiting         a guided stage is not waiting for its attendee (any more)
└── RemoteError        a remote system refused or did not answer
    └── NotThere       what was asked for is not there
"""

from collections.abc import Mapping
from typing import Any


class CanarioError(Exception):
    """Base of every error that Canario raises on purpose; its text is one line that a person can act on."""


class InvalidInput(CanarioError):
    """A field of the input is not allowed. Nothing was changed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field, self.value, self.allowed = field, value, allowed
        super().__init__(f"{field}: {value!r} is not allowed; allowed: {allowed}")


class NotReady(CanarioError):
    """A condition does not hold yet. Step Functions retries on this name.

    `progress` is what a stage's `solve` has found out so far; the stage's record keeps it for the next attempt.
    """

    def __init__(self, message: str, progress: Mapping[str, Any] | None = None) -> None:
        self.progress = dict(progress or {})
        super().__init__(message)


class CheckFailed(CanarioError):
    """A stage's checks did not all pass by the stage's deadline."""


class Quarantined(CheckFailed):
    """`clean` could not take everything away; the message has the names of what is left."""


class Frozen(CanarioError):
    """The workshop is being cleaned, or was and something is left: no stage may work on it."""


class Conflict(CanarioError):
    """The object changed since it was read; read it again before deciding anew."""


class Drift(CanarioError):
    """Somebody else changed what a rollout owns; `by` names them as far as the cluster knows."""

    def __init__(self, message: str, by: str) -> None:
        self.by = by
        super().__init__(message)


class Stopped(CanarioError):
    """A person or an alarm ended the rollout: who, when, why."""


class AlreadyRunning(CanarioError):
    """The router has a rollout already."""


class NotWaiting(CanarioError):
    """The stage is not waiting for an attendee: not yet, or not any more."""


class RemoteError(CanarioError):
    """A remote system refused or did not answer: what was being done, to what, what it said."""


class NotThere(RemoteError):
    """The remote system answered: it does not have what was asked for."""
