"""The input of a workshop execution: parsed, validated, defaults filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canario.canary import Plan
from canario.canary.steps import MOST_WINDOWS
from canario.errors import InvalidInput
from canario.workshop.names import Names, names

DIALECTS = ("appmesh", "gateway")
MODES = ("auto", "guided")
TTL_HOURS = 24.0
MOST_HOURS = 90 * 24

# The stages in the document's order.
STAGES = (
    "preflight",
    "baseline",
    "controller",
    "mesh",
    "tracing",
    "discovery",
    "gateway",
    "canary",
    "mtls",
    "clean",
)


@dataclass(frozen=True)
class Request:
    """What one execution was asked to do."""

    workshop: str
    mesh: str  # the dialect
    mode: str
    until: str
    canary: Plan
    guided_from: str = STAGES[0]  # mode guided: the stages before this one are the machine's
    ttl_hours: float = TTL_HOURS  # from its start on; then it is cleaned
    only: str = ""  # "clean": no other stage is looked at

    @property
    def names(self) -> Names:
        return names(self.workshop)

    def is_caught_up(self, stage: str) -> bool:
        """Whether the machine does the stage for an attendee who has come late."""
        return self.mode == "guided" and STAGES.index(stage) < STAGES.index(self.guided_from)

    def to_dict(self) -> dict[str, Any]:
        return {
            "workshop": self.workshop,
            "mesh": self.mesh,
            "mode": self.mode,
            "until": self.until,
            "canary": self.canary.to_dict(),
            "guided_from": self.guided_from,
            "ttl_hours": self.ttl_hours,
            "only": self.only,
        }


def parse_request(given: Mapping[str, Any], *, dialects: Sequence[str]) -> Request:
    """The execution's input with its defaults. `dialects`: those that can work here, the default first.

    Raises InvalidInput naming the field. A dialect that exists but cannot work here is for preflight to refuse,
    with the reason.
    """
    if not isinstance(given, Mapping):
        raise InvalidInput("input", given, 'an object such as {"workshop": "turma-01"}')
    fields = ("workshop", "mesh", "mode", "until", "canary", "guided_from", "ttl_hours", "only")
    for name in given:
        if name not in fields:
            raise InvalidInput(str(name), given[name], f"only the fields {', '.join(fields)}")
    if "workshop" not in given:
        raise InvalidInput("workshop", None, "a workshop id, such as 'turma-01'")
    request = Request(
        workshop=names(given["workshop"]).workshop,
        mesh=_one_of("mesh", given.get("mesh", dialects[0]), DIALECTS),
        mode=_one_of("mode", given.get("mode", "auto"), MODES),
        until=_one_of("until", given.get("until", STAGES[-1]), STAGES),
        canary=_plan(given.get("canary", {})),
        guided_from=_one_of("guided_from", given.get("guided_from", STAGES[0]), STAGES),
        ttl_hours=parse_hours("ttl_hours", given.get("ttl_hours", TTL_HOURS)),
        only=_one_of("only", given.get("only", ""), ("", STAGES[-1])),
    )
    if request.only and request.until != request.only:
        raise InvalidInput("until", request.until, f"{request.only}, with `only`")
    if STAGES.index(request.guided_from) > STAGES.index(request.until):
        raise InvalidInput("guided_from", request.guided_from, f"a stage up to `until`, which is {request.until}")
    return request


def parse_hours(field: str, value: object) -> float:
    """How long a workshop may live, or live on. Raises InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST_HOURS:
        raise InvalidInput(field, value, f"a number of hours above 0, at most {MOST_HOURS}")
    return float(value)


def _one_of(field: str, value: object, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInput(field, value, ", ".join(allowed))
    return value


def _plan(given: object) -> Plan:
    if not isinstance(given, Mapping):
        raise InvalidInput("canary", given, "an object with the fields of a plan")
    try:
        plan = Plan.from_dict(given)
    except InvalidInput as error:
        raise InvalidInput(f"canary.{error.field}", error.value, error.allowed) from error
    if plan.deadline_windows > MOST_WINDOWS:
        raise InvalidInput(
            "canary.deadline_windows",
            plan.deadline_windows,
            f"at most {MOST_WINDOWS}: an execution's history ends there",
        )
    return plan
