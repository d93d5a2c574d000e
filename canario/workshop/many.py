"""Many workshops, some at a time, a verdict each: what `canario start --roster` and the lab do.

Reaches nothing by itself: `Reach` is what it is given.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from canario.errors import CanarioError, RemoteError
from canario.workshop.capacity import Line, Room, preflight
from canario.workshop.names import names
from canario.workshop.ports import Records
from canario.workshop.request import DIALECTS, STAGES, parse_request
from canario.workshop.room import from_dict
from canario.workshop.roster import Entry

PARALLEL = 5
POLL_SECONDS = 1.0
MOST_MISSES = 30  # looks in a row that brought no answer, before a workshop's verdict is `unknown`

PASSED, WAITING, FAILED, UNKNOWN = "passed", "waiting", "failed", "unknown"
GOOD = (PASSED, WAITING)


class Seen(Protocol):
    @property
    def status(self) -> str: ...

    @property
    def cause(self) -> str: ...


class Machine(Protocol):
    def start(self, name: str, content: Mapping[str, Any]) -> str: ...

    def describe(self, name: str) -> Seen: ...


class Functions(Protocol):
    def invoke(self, stage: str, event: Mapping[str, Any]) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Reach:
    """An installation's records, its stages' functions and its machine; and time."""

    records: Records
    functions: Functions
    machine: Machine
    pause: Callable[[float], None]
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class Verdict:
    """How one workshop of a roster ended.

    `waiting`: in mode guided, its first stage waits for its attendee. `unknown`: nobody could say; it may go on.
    """

    workshop: str
    status: str
    stage: str  # the last one that there is a record of
    seconds: float
    message: str = ""
    execution: str = ""


@dataclass
class _Running:
    entry: Entry
    run: str
    execution: str
    since: datetime
    misses: int = field(default=0)


class WillNotFit(CanarioError):
    """More workshops than there is room for. Nothing was made."""


def room(entries: Sequence[Entry], reach: Reach) -> list[Room]:
    """What the installation says it has room for. Raises RemoteError."""
    workshops = [entry.workshop for entry in entries]
    event = {
        "action": "room",
        "workshop": workshops[0],
        "namespaces": [names(workshop).namespace for workshop in workshops],
    }
    return [from_dict(each) for each in reach.functions.invoke(STAGES[0], event)["rooms"]]


def lines_of(entries: Sequence[Entry], rooms: Sequence[Room], parallel: int) -> list[Line]:
    """The preflight of all of them."""
    return preflight([parse_request(entry.request, dialects=DIALECTS) for entry in entries], rooms, parallel)


def require_room(lines: Sequence[Line]) -> None:
    """Raises WillNotFit, naming all that there is too little of."""
    short = [line.text for line in lines if line.fits is False]
    if short:
        raise WillNotFit(
            f"the roster does not fit, and nothing was made: {'; '.join(short)}. "
            "What to do: raise what is short, shorten the roster, or have fewer at once (--parallel, --until clean)"
        )


def run(entries: Sequence[Entry], reach: Reach, parallel: int) -> Iterator[Verdict | str]:
    """Start them in the roster's order, at most `parallel` at work at once; a line a start, a verdict an end.

    One that fails, or cannot be started, stops no other.
    """
    left, running = deque(entries), list[_Running]()
    while left or running:
        while left and len(running) < parallel:
            started = _start(left.popleft(), reach)
            if isinstance(started, Verdict):
                yield started
            else:
                running.append(started)
                yield f"started {started.execution}"
        for each in list(running):
            verdict = _look(each, reach)
            if verdict is not None:
                running.remove(each)
                yield verdict
        if running:
            reach.pause(POLL_SECONDS)


def table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """For a person, in the roster's order."""
    width = max(len(verdict.workshop) for verdict in verdicts)
    for verdict in verdicts:
        first = f"  {verdict.workshop:<{width}}  {verdict.status:<8} {verdict.stage:<11}{verdict.seconds:>7.0f} s"
        yield f"{first}  {verdict.message}".rstrip()
    good = sum(verdict.status in GOOD for verdict in verdicts)
    yield f"{good} of {len(verdicts)} workshops did what they were told"


def _start(entry: Entry, reach: Reach) -> _Running | Verdict:
    now = reach.clock()
    run = f"{entry.workshop}-{now:%Y%m%dT%H%M%S}"
    try:
        return _Running(entry, run, reach.machine.start(run, entry.request), now)
    except CanarioError as error:
        return Verdict(entry.workshop, FAILED, "", 0.0, f"not started: {error}")


def _look(running: _Running, reach: Reach) -> Verdict | None:
    """The verdict once there is one."""
    try:
        found = reach.machine.describe(running.run)
        records = reach.records.history(running.entry.workshop)
    except RemoteError as error:
        running.misses += 1
        return _verdict(running, UNKNOWN, {}, reach, str(error)) if running.misses >= MOST_MISSES else None
    running.misses = 0
    stages = {str(record["stage"]): record for record in records if record.get("run") == running.run}
    if found.status == "RUNNING":
        waits = any(record.get("status") == "waiting" for record in stages.values())
        return _verdict(running, WAITING, stages, reach) if waits else None
    if found.status == "SUCCEEDED":
        return _verdict(running, PASSED, stages, reach, _outcome(stages))
    return _verdict(running, FAILED, stages, reach, _cause(stages) or found.cause or f"the execution {found.status}")


def _verdict(
    running: _Running, status: str, stages: Mapping[str, Mapping[str, Any]], reach: Reach, message: str = ""
) -> Verdict:
    stage = str(_newest(stages)["stage"]) if stages else ""
    seconds = round((reach.clock() - running.since).total_seconds(), 1)
    return Verdict(running.entry.workshop, status, stage, seconds, message, running.execution)


def _newest(stages: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return max(stages.values(), key=lambda record: (str(record["at"]), STAGES.index(record["stage"])))


def _cause(stages: Mapping[str, Mapping[str, Any]]) -> str:
    """What the stage that failed says of it."""
    broken = [record for record in stages.values() if record.get("status") not in ("passed", "skipped", "waiting")]
    return str(_newest({str(each["stage"]): each for each in broken}).get("cause") or "") if broken else ""


def _outcome(stages: Mapping[str, Mapping[str, Any]]) -> str:
    """How the canary ended, where there was one: a rollout without traffic only holds."""
    measured = [check.get("measured") or {} for check in stages.get("canary", {}).get("checks") or ()]
    outcome = next((each["outcome"] for each in measured if each.get("outcome")), None)
    return f"canary {outcome}" if outcome else ""
