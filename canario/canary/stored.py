"""Evidence as plain data for JSON, and back. A bet that has not begun is null: JSON has no infinity."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from math import inf, isfinite
from typing import Any

from canario.canary.bets import STEEPER
from canario.canary.combined import Weighed
from canario.canary.evidence import Evidence, bets_against, bets_for, spread_ratios
from canario.canary.fields import counted, mapping, number, numbers
from canario.canary.guards import Guard
from canario.canary.noise import Noise
from canario.canary.observation import Tally
from canario.canary.plan import Plan
from canario.canary.pods import Ill, Pod
from canario.errors import InvalidInput


def guard_to_dict(weighed: Weighed) -> dict[str, Any]:
    return {
        "series": [each and _evidence_to_dict(each) for each in weighed.series],
        "noise": asdict(weighed.noise),
        "proved": weighed.proved,
    }


def pod_to_dict(pod: Pod) -> dict[str, Any]:
    return {"windows": pod.windows, "bets": list(pod.bets)}


def guards_from(given: object, plan: Plan) -> tuple[Weighed, ...]:
    """One each of the plan's guards. Raises InvalidInput that names the field."""
    if not isinstance(given, list | tuple) or len(given) != len(plan.watched):
        raise InvalidInput("guards", given, f"a list of {len(plan.watched)}, one for each guard of the plan")
    return tuple(_guard(each, guard) for each, guard in zip(given, plan.watched, strict=True))


def pods_from(given: object) -> dict[str, Pod]:
    if not isinstance(given, Mapping):
        raise InvalidInput("pods", given, "an object")
    found = {}
    for name, each in given.items():
        values = mapping(f"pods.{name}", each, ("windows", "bets"), whole=True)
        bets = numbers(f"pods.{name}.bets", values["bets"], len(STEEPER))
        found[str(name)] = Pod(counted(f"pods.{name}.windows", values["windows"]), bets)
    return found


def left_out_from(given: object) -> dict[str, Ill]:
    if not isinstance(given, Mapping):
        raise InvalidInput("left_out", given, "an object")
    found = {}
    for name, each in given.items():
        values = mapping(f"left_out.{name}", each, ("rate", "well"), whole=True)
        rate = number(f"left_out.{name}.rate", values["rate"], "a number above 0, to 0.5")
        if not 0 < rate <= 0.5:
            raise InvalidInput(f"left_out.{name}.rate", rate, "a number above 0, to 0.5")
        found[str(name)] = Ill(rate, number(f"left_out.{name}.well", values["well"], "a number"))
    return found


def names(field: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise InvalidInput(field, given, "a list of names")
    return tuple(given)


def fraction(field: str, value: object) -> float:
    found = number(field, value, "a number from 0 to 1")
    if not 0 <= found <= 1:
        raise InvalidInput(field, value, "a number from 0 to 1")
    return found


def _guard(given: object, guard: Guard) -> Weighed:
    values = mapping("guards", given, ("series", "noise", "proved"), whole=True)
    series = values["series"]
    if not isinstance(series, list | tuple) or len(series) != guard.series:
        raise InvalidInput(f"guards.{guard.name}.series", series, f"a list of {guard.series}")
    if not isinstance(values["proved"], bool):
        raise InvalidInput(f"guards.{guard.name}.proved", values["proved"], "true or false")
    noise = mapping("noise", values["noise"], [each.name for each in fields(Noise)], whole=True)
    squares, freedom = (number(f"noise.{each}", noise[each], "a number") for each in ("squares", "freedom"))
    found = tuple(None if each is None else _evidence(each, guard) for each in series)
    return Weighed(found, Noise(squares, freedom), values["proved"])


def _evidence_to_dict(evidence: Evidence) -> dict[str, Any]:
    plain = {each.name: getattr(evidence, each.name) for each in fields(evidence)}
    lists = {name: _listed(value) for name, value in plain.items() if isinstance(value, tuple)}
    return plain | lists | {name: asdict(plain[name]) for name in ("canary", "baseline")}


def _evidence(given: object, guard: Guard) -> Evidence:
    values = mapping("evidence", given, [each.name for each in fields(Evidence)], whole=True)
    found = values["harmful"]
    if isinstance(found, list | tuple) and len(found) != len(STEEPER):
        allowed = f"{len(STEEPER)} bets; a rollout of another version is ended by that version, or begun again"
        raise InvalidInput("evidence.harmful", f"{len(found)} bets", allowed)
    lengths = {
        "spread": len(spread_ratios(guard)),
        "against": bets_against(guard),
        "harmful": len(STEEPER),
        "proof": bets_for(guard),
        "watch": len(STEEPER) if values["watch"] else 0,
    }
    return Evidence(
        windows=counted("evidence.windows", values["windows"]),
        ratio_weight=fraction("evidence.ratio_weight", values["ratio_weight"]),
        canary=Tally.from_dict(values["canary"], "evidence.canary"),
        baseline=Tally.from_dict(values["baseline"], "evidence.baseline"),
        failed=number("evidence.failed", values["failed"], "a number"),
        served=number("evidence.served", values["served"], "a number"),
        raised=number("evidence.raised", values["raised"], "a number"),
        **{name: _bets(f"evidence.{name}", values[name], length) for name, length in lengths.items()},
    )


def _listed(bets: Sequence[float]) -> list[float | None]:
    return [each if isfinite(each) else None for each in bets]


def _bets(field: str, given: object, length: int) -> tuple[float, ...]:
    if isinstance(given, list | tuple) and given and list(given) == [None] * length:
        return (-inf,) * length
    return numbers(field, given, length)
