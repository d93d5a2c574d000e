"""The commands of docs/workshop*.md: fenced blocks, told apart by the word after the fence (the page says how)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"
DOCUMENTS = (DOCS / "workshop.md", DOCS / "workshop.pt-BR.md")

_BLOCK = re.compile(r"^```(sh|text)(?: (\w+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_OPENS_A_SHELL = "-- /bin/bash"


@dataclass(frozen=True)
class Block:
    """`kind`: sh or text; `word`: empty, `pod` or `setup`."""

    kind: str
    word: str
    text: str


@dataclass(frozen=True)
class Step:
    """What is typed, and what must be in its output."""

    commands: str
    expected: tuple[str, ...] = ()


def blocks(document: Path) -> list[Block]:
    return [Block(kind, word, text) for kind, word, text in _BLOCK.findall(document.read_text())]


def steps(document: Path) -> list[Step]:
    """The steps in order; a shell in a pod and what is typed there are one."""
    found: list[Step] = []
    skipping = False
    for block in blocks(document):
        if block.kind == "sh":
            skipping = block.word == "setup"
        if skipping:
            continue
        if block.kind == "text":
            found[-1] = Step(found[-1].commands, tuple(block.text.splitlines()))
        elif block.word == "pod":
            found[-1] = Step(_typed_inside(found[-1].commands, block.text))
        else:
            found.append(Step(block.text))
    return found


def _typed_inside(opening: str, inside: str) -> str:
    """The shell that the last line opens gets `inside` as its input: there is no terminal to type it at."""
    *before, opens = opening.rstrip().splitlines()
    assert opens.endswith(_OPENS_A_SHELL), f"no shell is opened before the block that begins {inside.splitlines()[0]!r}"
    return "\n".join([*before, f"{opens} <<'TYPED'", inside + "TYPED", ""])
