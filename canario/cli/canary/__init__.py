"""`canario canary …`: one file a subcommand."""

import argparse

from canario.cli.canary import replay, show
from canario.cli.kinds import Commands

COMMANDS = (show, replay)


def add(commands: Commands) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("canary", help="read a rollout's decisions; replay a record")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(subcommands)
