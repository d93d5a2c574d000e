"""Draw the newest run as the terminal shows it: `PYTHONPATH=. python tools/picture.py docs/images/run.svg`.

Reads `.lab/report.json`, which outlives the lab.
"""

import io
import json
import pathlib
import re
import sys

from rich.console import Console
from rich.text import Text

from lab.progress import picture
from lab.report import Snapshot

WIDTH = 132


def main(target):
    content = json.loads(pathlib.Path(".lab/report.json").read_text())
    console = Console(width=WIDTH, record=True, file=io.StringIO(), force_terminal=True)
    snapshot = snapshot_of(content)
    console.print(Text("$ make lab", style="bold"))
    console.print(picture(snapshot))
    console.print(f"\ncanary {snapshot.outcome}", style="bold")
    pathlib.Path(target).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(target).write_text(without_fonts(console.export_svg(title="make lab")))


def without_fonts(svg):
    """A picture asks nobody for anything: the reader's own monospace font does."""
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def snapshot_of(content):
    entries = [
        {**entry, "decision": entry["kind"], "kind": "decision", "sequence": number}
        for number, entry in enumerate(content["canary"]["decisions"])
    ]
    return Snapshot(
        execution=content["execution"],
        status=content["status"],
        stages=[{**stage, "stage": stage["id"]} for stage in content["stages"]],
        rollout=[*entries, {"kind": "ended", "outcome": content["canary"]["outcome"]}],
        traffic=content["traffic"],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
