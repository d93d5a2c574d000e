"""docs/workshop*.md: complete, the same in both languages, and working from the first command to the last."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.by_hand.document import DOCS, DOCUMENTS, blocks, steps
from tests.lab.by_hand.terminal import Terminal

_ROOT = DOCS.parent
_WORDS = ("", "pod", "setup")
_COMMAND = re.compile(r"^ ?((?:kubectl|helm|curl|eksctl|docker|aws ecr)\b.*)$", re.MULTILINE)


def test_both_languages_have_the_same_commands() -> None:
    """English and Portuguese differ in their prose only."""
    english, portuguese = map(blocks, DOCUMENTS)

    assert english == portuguese


def test_every_block_says_what_it_is_for() -> None:
    """The word after a fence is one that the page explains."""
    assert {block.word for block in blocks(DOCUMENTS[0])} <= set(_WORDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_command_of_the_workshop_is_left_out(document: Path) -> None:
    """Every command line of the workshop that was handed out is on the page, in its order or in the table."""
    source = _ROOT.parent / "shared" / "workshop.pt-BR.md"
    if not source.exists():
        pytest.skip("workshop.pt-BR.md is not beside the repository (../shared)")
    text = document.read_text()
    missing = [line for line in _COMMAND.findall(source.read_text()) if _beginning(line) not in text]

    assert [] == missing


def _beginning(line: str) -> str:
    """A command without what may differ by a word: its program and what it does."""
    words = line.replace("lab-appmesh", "appmesh-workshop-ns").rstrip("\\").split()
    return " ".join(words[: 2 if words[0] in ("docker", "curl") else 3]).partition(" http")[0]


def test_the_workshop_can_be_done_by_hand(typing: Terminal) -> None:
    """Every command succeeds as it is typed, and prints what the page says."""
    for step in steps(DOCUMENTS[0]):
        failed, printed = typing.type(step.commands)
        assert not failed, f"{step.commands}\nfailed at {failed!r}:\n{printed}"
        missing = [line for line in step.expected if line not in printed]
        assert not missing, f"{step.commands}\ndid not print {missing}:\n{printed}"
