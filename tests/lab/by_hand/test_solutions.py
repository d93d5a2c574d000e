"""The last hint of every stage, typed by an attendee in mode guided: the stage's own checks say that it is solved."""

from __future__ import annotations

from canario.workshop.request import STAGES
from tests.lab.by_hand.terminal import Terminal

_WORKSHOP = "hand"
_SECONDS = 150


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
