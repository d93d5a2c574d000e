"""`canario canary approve | pause | resume | abort ROLLOUT`: a person's word to a rollout that runs."""

import argparse
from collections.abc import Iterator
from functools import partial

import boto3

from canario.cli.canary.desk import RolloutDesk, rollout_desk
from canario.cli.kinds import Commands

COMMANDS = {
    "approve": "open the gate that the rollout waits at",
    "pause": "hold the share where it is; windows go on counting, and a bad canary is still rolled back",
    "resume": "take the pause back",
    "abort": "take all traffic from the canary now, and end the rollout",
}
SAID = {
    "approve": "the gate at {share:.1%} of {router} is open; the next window decides how far the share rises",
    "pause": "the share of {router} stays where it is until canario canary resume {rollout}",
    "resume": "the share of {router} follows the evidence again",
    "abort": "the canary of {router} has no traffic any more; the rollout ends as rolled_back",
}


def add(commands: Commands) -> None:
    for kind, help_text in COMMANDS.items():
        parser = commands.add_parser(kind, help=help_text)
        parser.add_argument("rollout", help="its name, as canario canary show knows it")
        parser.add_argument("--reason", default="", help="for the record")
        parser.set_defaults(run=partial(_run, kind))


def _run(kind: str, given: argparse.Namespace, session: boto3.Session) -> Iterator[str]:
    return instruct(kind, given, rollout_desk(session))


def instruct(kind: str, given: argparse.Namespace, desk: RolloutDesk) -> Iterator[str]:
    """Raises NotWaiting when the rollout does not run, or has no gate that is closed."""
    event = {"action": kind, "kind": kind, "rollout": given.rollout, "by": desk.me(), "reason": given.reason}
    yield SAID[kind].format(**desk.functions.invoke("instruct", event))
