"""The input of one rollout's execution: parsed, validated, defaults filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from canario.canary.fields import mapping
from canario.canary.gates import DAY, Gates
from canario.canary.plan import Plan
from canario.canary.ports import Target
from canario.errors import InvalidInput

FIELDS = ("target", "plan", "gates", "gate_seconds", "alarms", "image", "rollout", "by")
IMAGE = ("deployment", "container", "reference")
TARGET = tuple(each.name for each in fields(Target))


@dataclass(frozen=True)
class RolloutRequest:
    """What one execution was asked to do. `image`: what the canary is given first; None: it runs already."""

    target: Target
    plan: Plan
    gates: Gates
    alarms: tuple[str, ...]
    image: Mapping[str, str] | None
    rollout: str | None
    by: str = ""  # who or what started it, in words

    def to_dict(self) -> dict[str, Any]:
        """The execution's input again; what is not there is left out."""
        given = {
            "target": dict(vars(self.target)),
            "plan": self.plan.to_dict(),
            "gates": list(self.gates.shares),
            "gate_seconds": self.gates.seconds,
            "alarms": list(self.alarms),
            "image": self.image,
            "rollout": self.rollout,
            "by": self.by or None,
        }
        return {name: value for name, value in given.items() if value is not None}


def parse_rollout(given: object) -> RolloutRequest:
    """Raises InvalidInput naming the field."""
    values = mapping("input", given, FIELDS)
    return RolloutRequest(
        target=parse_target(values.get("target")),
        plan=parse_plan(values.get("plan", {})),
        gates=Gates.parse(values.get("gates", ()), values.get("gate_seconds", DAY)),
        alarms=_texts("alarms", values.get("alarms", ())),
        image=None if values.get("image") is None else dict(_strings("image", values["image"], IMAGE)),
        rollout=None if values.get("rollout") is None else str(values["rollout"]),
        by=str(values.get("by", "")),
    )


def parse_plan(given: object) -> Plan:
    if not isinstance(given, Mapping):
        raise InvalidInput("plan", given, "an object with the fields of a plan")
    return Plan.from_dict(given)


def parse_target(given: object) -> Target:
    return Target(**_strings("target", given, TARGET))


def _strings(field: str, given: object, names: tuple[str, ...]) -> Mapping[str, str]:
    texts = isinstance(given, Mapping) and all(isinstance(value, str) and value for value in given.values())
    if not isinstance(given, Mapping) or set(given) != set(names) or not texts:
        raise InvalidInput(field, given, f"an object of strings with the fields {', '.join(names)}")
    return given


def _texts(field: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) and each for each in given):
        raise InvalidInput(field, given, "a list of names")
    return tuple(given)
