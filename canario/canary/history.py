"""What was seen and what was decided, window by window: of a rollout's records, or of a replay."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from canario.canary.fields import moment, number
from canario.canary.observation import Counts, Observation
from canario.canary.rollout import Decision


@dataclass(frozen=True)
class Decided:
    """One window and the decision that followed from it."""

    observation: Observation
    decision: Decision


def decided(entries: Iterable[Mapping[str, Any]]) -> tuple[Decided, ...]:
    """The decisions among a rollout's recorded entries, in their order. Raises InvalidInput for a broken one."""
    return tuple(_decided(entry) for entry in entries if "decision" in entry)


def _decided(entry: Mapping[str, Any]) -> Decided:
    observation = Observation(
        moment("start", entry["start"]),
        moment("end", entry["end"]),
        number("in_force", entry["in_force"], "a number from 0 to 1"),
        _counts(entry, ""),
        _counts(entry, "baseline_"),
    )
    decision = Decision(
        kind=entry["decision"],
        share=float(entry["share"]),
        reason=str(entry["reason"]),
        evidence=dict(entry["evidence"]),
        guarantee=entry.get("guarantee", "exact"),
        suspect=entry.get("suspect"),
    )
    return Decided(observation, decision)


def _counts(entry: Mapping[str, Any], prefix: str) -> Counts | None:
    requests, errors = entry.get(f"{prefix}requests"), entry.get(f"{prefix}errors")
    return None if requests is None or errors is None else Counts(int(requests), int(errors))
