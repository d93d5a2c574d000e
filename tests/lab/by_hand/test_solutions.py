"""The last hint of every stage, typed by an attendee in mode guided: the stage's own checks say that it is solved.

It takes minutes, which `make test` does not have: `TYPE_SOLUTIONS=1 pytest tests/lab/by_hand` types them.
"""

from __future__ import annotations

import os

import pytest

from canario.workshop.request import STAGES
from tests.lab.by_hand.terminal import Terminal

_WORKSHOP = "hand"
_SECONDS = 300


@pytest.mark.skipif("TYPE_SOLUTIONS" not in os.environ, reason="takes minutes; TYPE_SOLUTIONS=1 runs it")
def test_every_stage_is_solved_by_its_last_hint(typing: Terminal) -> None:
    """One workshop from its first stage to its last. The canary's rollout, which takes traffic, is skipped."""
    _type(typing, f"canario start {_WORKSHOP} --mode guided")
    for stage in STAGES:
        _type(typing, _until(f"canario show {_WORKSHOP} | grep -Eq '^  {stage} +waiting'"))
        _type(typing, f"canario solution {_WORKSHOP} {stage} | bash -e")
        done = f"canario skip {_WORKSHOP}" if stage == "canary" else _until(f"canario check {_WORKSHOP} {stage}")
        _type(typing, done)


def _until(command: str) -> str:
    """The command again and again, in its own shell: what a person does who waits."""
    return f'timeout {_SECONDS} bash -c "until {command}; do sleep 0.5; done"'


def _type(typing: Terminal, commands: str) -> None:
    failed, printed = typing.type(commands)
    assert not failed, f"{commands}\nfailed:\n{printed[-3000:]}"
