"""A rollout's decisions as a table. Pure: what was decided in, lines out."""

import textwrap
from collections.abc import Mapping, Sequence

from canario.canary.history import Decided
from canario.canary.observation import Counts

HEADER = ("time", "share", "canary", "baseline", "against", "for", "decision", "next", "reason")
NARROWEST_REASON = 30
INDENT = 6  # of a reason that has no room beside its row


def table(decided: Sequence[Decided], width: int = 0) -> list[str]:
    """One decision a row, its reason wrapped at `width` columns; 0: never.

    canary and baseline: errors/requests; against and for: the evidence beside what is enough.
    """
    days = len({each.observation.start.date() for each in decided}) > 1
    rows = [HEADER, *(_cells(each, days) for each in decided)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADER) - 1)]
    lines: list[str] = []
    for row in rows:
        left = "  ".join(cell.rjust(size) for cell, size in zip(row[:-1], widths, strict=True))
        lines += _wrapped(left, row[-1], width)
    return lines


def _wrapped(left: str, reason: str, width: int) -> list[str]:
    room = width - len(left) - 2
    if width == 0:
        return [f"{left}  {reason}"]
    if room < NARROWEST_REASON:
        indent = " " * INDENT
        below = textwrap.wrap(reason, max(width, 2 * INDENT), initial_indent=indent, subsequent_indent=indent)
        return [left, *below]
    first, *others = textwrap.wrap(reason, room) or [""]
    return [f"{left}  {first}", *(f"{' ' * (len(left) + 2)}{each}" for each in others)]


def _cells(each: Decided, days: bool) -> tuple[str, ...]:
    window, decision = each.observation, each.decision
    evidence = decision.evidence
    return (
        window.start.strftime("%d %H:%M:%S" if days else "%H:%M:%S"),
        share(window.share),
        counts(window.canary),
        counts(window.baseline),
        _beside(evidence, "harmful", "threshold_rollback"),
        _beside(evidence, "safe", "threshold_promote"),
        decision.kind,
        share(decision.share),
        decision.reason,
    )


def counts(found: Counts | None) -> str:
    return "no data" if found is None else f"{found.errors:,}/{found.requests:,}"


def share(value: float) -> str:
    """0.00167 → "0.167%", 0.9 → "90%"."""
    return f"{100 * value:.3g}%"


def _beside(evidence: Mapping[str, float], name: str, enough: str) -> str:
    """The evidence, of what is enough: "3.2/100"."""
    if name not in evidence:
        return ""
    value = evidence[name]
    text = f"{value:.0e}" if value >= 1e5 else f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
    text = "<.01" if value < 0.01 else text
    return f"{text}/{evidence[enough]:,.0f}" if enough in evidence else text
