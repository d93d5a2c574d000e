"""`canario solution WORKSHOP STAGE`: the commands that solve a stage, as its last hint has them."""

import argparse

import boto3

from canario.cli.kinds import Commands, add_language, add_workshop
from canario.workshop.hints import hints
from canario.workshop.names import names
from canario.workshop.stages import stage


def add(commands: Commands) -> None:
    parser = commands.add_parser("solution", help="print the commands that solve a stage by hand")
    add_workshop(parser)
    parser.add_argument("stage", help="the stage's id")
    add_language(parser)
    parser.set_defaults(run=solution)


def solution(given: argparse.Namespace, session: boto3.Session) -> list[str]:
    """A shell script; nothing is asked of anybody."""
    return [hints(stage(given.stage).id, given.lang, names(given.workshop))[-1]]
