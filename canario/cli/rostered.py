"""What `canario start --roster FILE` says: the preflight, the starts and ends, the verdicts."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from canario.cli.kinds import Unmet
from canario.workshop.capacity import Line
from canario.workshop.many import GOOD, Reach, Verdict, require_room, run, table
from canario.workshop.roster import Entry


def start_many(
    entries: Sequence[Entry], lines: Sequence[Line], reach: Reach, parallel: int, *, as_json: bool, only_check: bool
) -> Iterator[str]:
    """What the command says. Raises WillNotFit before anything is made, and Unmet after the last line."""
    if not as_json:
        yield from (f"  {'fits' if line.fits else 'DOES NOT FIT':<14}{line.text}" for line in lines)
    require_room(lines)
    verdicts: list[Verdict] = []
    for each in run([] if only_check else entries, reach, parallel):
        if isinstance(each, Verdict):
            verdicts.append(each)
        if not as_json:
            yield each if isinstance(each, str) else f"{each.workshop}: {each.status} {each.message}".rstrip()
    order = [entry.workshop for entry in entries]
    verdicts.sort(key=lambda verdict: order.index(verdict.workshop))
    if as_json:
        yield document(lines, verdicts)
    elif verdicts:
        yield from table(verdicts)
    require_good(verdicts)


def document(lines: Sequence[Line], verdicts: Sequence[Verdict]) -> str:
    """For a program."""
    needs = [
        {"thing": str(line.thing), "needed": line.needed, "limit": line.room.limit, "used": line.room.used}
        | {"source": line.room.source, "fits": line.fits}
        for line in lines
    ]
    return json.dumps({"preflight": needs, "workshops": [asdict(verdict) for verdict in verdicts]}, indent=1)


def require_good(verdicts: Sequence[Verdict]) -> None:
    """Raises Unmet unless every workshop did what it was told."""
    if any(verdict.status not in GOOD for verdict in verdicts):
        raise Unmet
