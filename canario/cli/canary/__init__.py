"""`canario canary …`: one file a subcommand."""

import argparse

from canario.cli.canary import instruct, replay, show, start, template
from canario.cli.kinds import Commands

COMMANDS = (start, show, instruct, template, replay)


def add(commands: Commands) -> None:
    help_text = "start rollouts, speak to them, read their decisions; replay a record"
    parser: argparse.ArgumentParser = commands.add_parser("canary", help=help_text)
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(subcommands)
