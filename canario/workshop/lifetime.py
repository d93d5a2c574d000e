"""A workshop's time to live: a warning before it ends, an extension, and what happens when it is over.

`begin` and `end` are the executions'; `extended` is a person's; `look` is a schedule's, at any interval. An expired
workshop is first claimed by compare-and-set, so that an extension and the end cannot both win; everything after that
may be repeated until it is done: the execution that runs is stopped, and one that only cleans is started, under a name
that follows from the moment of expiry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from canario.errors import CanarioError, Conflict, InvalidInput, NotReady
from canario.workshop.frozen import freeze
from canario.workshop.names import names
from canario.workshop.ports import Lifetime, Lifetimes, Ports
from canario.workshop.request import STAGES, Request

WARNING = timedelta(hours=1)
CLEAN = STAGES[-1]
ATTEMPTS = 5


class Machine(Protocol):
    """The workshop machine's executions, by their names."""

    def start(self, name: str, content: Mapping[str, Any]) -> str:
        """Raises NotReady when one of that name has been started already."""

    def stop(self, name: str, cause: str) -> None:
        """Harmless when it does not run."""


@dataclass(frozen=True)
class Looked:
    """What one look did: the workshops by what happened to them, and what could not be done, in words."""

    warned: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def __add__(self, other: "Looked") -> "Looked":
        return Looked(self.warned + other.warned, self.expired + other.expired, self.problems + other.problems)


def begin(request: Request, ports: Ports, run: str) -> None:
    """The workshop lives from now on; one that lives already lives on, and never for less than it was given.

    An execution that only cleans gives no life.
    """
    for _ in range(0 if request.only else ATTEMPTS):
        seen = ports.lifetimes.get(request.workshop)
        expires = ports.now + timedelta(hours=request.ttl_hours)
        if seen and not seen.expired:
            expires = max(expires, seen.expires)
        try:
            ports.lifetimes.put(Lifetime(request.workshop, request.mesh, run, expires), seen)
        except Conflict as conflict:
            lost = conflict
        else:
            return
    if not request.only:
        raise lost


def extended(workshop: str, hours: float, lifetimes: Lifetimes, now: datetime) -> Lifetime:
    """Give it so many hours more, counted from its end, or from now where that is later.

    Raises InvalidInput when it does not live, Conflict when it ends at this very moment.
    """
    seen = lifetimes.get(workshop)
    if seen is None or seen.expired:
        said = "has expired and is being cleaned" if seen else "is not running"
        raise InvalidInput("workshop", workshop, f"a workshop that lives; this one {said}")
    longer = replace(seen, expires=max(seen.expires, now) + timedelta(hours=hours), warned=False)
    lifetimes.put(longer, seen)
    return longer


def look(ports: Ports, machine: Machine) -> Looked:
    """Warn those whose end is near, end those whose time is over. Trouble with one keeps no other waiting."""
    looked = Looked()
    for each in ports.lifetimes.all():
        try:
            looked += _look_at(each, ports, machine)
        except Conflict:
            continue  # extended at this very moment: the next look sees it
        except CanarioError as error:
            looked += Looked(problems=(f"{each.workshop}: {error}",))
    return looked


def clean(lifetime: Lifetime, name: str, cause: str, ports: Ports, machine: Machine) -> None:
    """Freeze the workshop, stop its execution, start one of that name that only cleans. Harmless when repeated."""
    freeze(names(lifetime.workshop), ports)
    if lifetime.run != name:
        machine.stop(lifetime.run, cause)
    try:
        machine.start(name, cleaning(lifetime.workshop, lifetime.mesh))
    except NotReady:
        return  # it has been started already


def cleaning(workshop: str, mesh: str = "") -> dict[str, str]:
    """The input of an execution that only cleans. `mesh`: empty for the installation's own dialect."""
    return {"workshop": workshop, "only": CLEAN, **({"mesh": mesh} if mesh else {})}


def _look_at(lifetime: Lifetime, ports: Ports, machine: Machine) -> Looked:
    if lifetime.expired:
        _end(lifetime, ports, machine)  # again: an earlier look may have been cut off
        return Looked()
    if ports.now >= lifetime.expires:
        claimed = replace(lifetime, expired=True)
        ports.lifetimes.put(claimed, lifetime)
        _say("WorkshopExpired", lifetime, ports)
        _end(claimed, ports, machine)
        return Looked(expired=(lifetime.workshop,))
    if ports.now >= lifetime.expires - WARNING and not lifetime.warned:
        _say("WorkshopExpires", lifetime, ports)
        ports.lifetimes.put(replace(lifetime, warned=True), lifetime)
        return Looked(warned=(lifetime.workshop,))
    return Looked()


def _end(lifetime: Lifetime, ports: Ports, machine: Machine) -> None:
    name = f"{lifetime.workshop}-expired-{lifetime.expires:%Y%m%dT%H%M%S}"
    clean(lifetime, name, f"the workshop expired at {lifetime.expires:%Y-%m-%d %H:%M} UTC", ports, machine)


def _say(kind: str, lifetime: Lifetime, ports: Ports) -> None:
    left = max(0.0, (lifetime.expires - ports.now).total_seconds())
    detail = {"workshop": lifetime.workshop, "run": lifetime.run, "stage": CLEAN}
    ports.events.put(kind, {**detail, "expires": lifetime.expires.isoformat(), "seconds_left": round(left)})
