"""The live view of a run: a table that is redrawn in a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from canario.workshop.request import STAGES
from lab.report import Record, Snapshot

LAST_DECISIONS = 8
STYLES = {"passed": "green", "failed": "red", "running": "yellow"}


class View(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, snapshot: Snapshot) -> None: ...


def view(console: Console) -> View:
    return LiveView(console) if console.is_terminal else PlainView(console)


class PlainView:
    """Says each change once, on a line of its own."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        return None

    def show(self, snapshot: Snapshot) -> None:
        for key, line in lines(snapshot):
            if key not in self._said:
                self._said.add(key)
                self._console.print(line, soft_wrap=True, markup=False, highlight=False)


class LiveView:
    """A table of stages, the newest decisions and the traffic, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, snapshot: Snapshot) -> None:
        self._live.update(picture(snapshot))


def lines(snapshot: Snapshot) -> Iterable[tuple[str, str]]:
    """What there is to say, each with a key that stays the same while nothing new is in it."""
    for record in snapshot.stages:
        said = f"{record['stage']:<12}{record['status']}"
        if record["status"] != "running":
            said += f" in {record.get('seconds') or 0:.1f} s: " + "; ".join(
                f"{check['name']} {check['status']}" for check in record.get("checks", [])
            )
        yield f"stage {record['stage']} {record['status']}", said
    for entry in snapshot.decisions:
        yield f"decision {entry['sequence']}", f"canary      {_decision(entry)}"


def picture(snapshot: Snapshot) -> Group:
    """The whole view."""
    return Group(_stages(snapshot.stages), "", _decisions(snapshot.decisions), "", _traffic(snapshot.traffic))


def _stages(records: Iterable[Record]) -> Table:
    by_id = {str(record["stage"]): record for record in records}
    table = Table(box=None, pad_edge=False)
    for title in ("stage", "status", "seconds", "checks"):
        table.add_column(title, justify="right" if title == "seconds" else "left")
    for stage in STAGES:
        record = by_id.get(stage, {})
        status = str(record.get("status", ""))
        checks = record.get("checks", [])
        held = sum(check["status"] == "passed" for check in checks)
        seconds = record.get("seconds")
        table.add_row(
            stage,
            Text(status, style=STYLES.get(status, "dim")),
            f"{seconds:.1f}" if seconds is not None else "",
            f"{held}/{len(checks)}" if checks else "",
        )
    return table


def _decisions(entries: list[Record]) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left", show_header=bool(entries))
    for title in ("canary at", "requests", "errors", "baseline", "errors"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("reason")
    for entry in entries[-LAST_DECISIONS:]:
        table.add_row(*_numbers(entry), str(entry["decision"]), f"{entry['share']:.1%}", Text(str(entry["reason"])))
    return table


def _numbers(entry: Record) -> list[str]:
    """The share in force and both nodes' counts in the window that was decided on; blank where there are none."""
    in_force = entry.get("in_force")
    counts = [entry.get(name) for name in ("requests", "errors", "baseline_requests", "baseline_errors")]
    return ["" if in_force is None else f"{in_force:.1%}", *("" if each is None else f"{each:,}" for each in counts)]


def _traffic(traffic: Record) -> Text:
    if not traffic.get("sent"):
        return Text("")
    nodes = ", ".join(f"{node} {counts['requests']}" for node, counts in sorted(traffic.get("by_node", {}).items()))
    return Text(f"traffic {traffic['sent']} requests, {traffic['failed']} failed ({nodes})")


def _decision(entry: Record) -> str:
    return f"{entry['share']:>6.1%}  {entry['decision']:<9}{entry['reason']}"
