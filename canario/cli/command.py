"""The command itself: which commands there are, and what an error becomes."""

import argparse
import sys
from collections.abc import Sequence

import boto3

from canario.cli import canary, check, clean, extend, finish, migrate, reset, show, solution, start
from canario.cli.kinds import Unmet
from canario.errors import CanarioError, InvalidInput

COMMANDS = (start, show, check, solution, finish, reset, extend, clean, canary, migrate)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0; 2 when the input was refused, 1 when something failed or a condition does not hold."""
    arguments = _parser().parse_args(argv)
    try:
        for line in arguments.run(arguments, boto3.Session()):
            print(line, flush=True)  # noqa: T201
    except Unmet:
        return 1
    except CanarioError as error:
        print(f"canario: {error}", file=sys.stderr)  # noqa: T201
        return 2 if isinstance(error, InvalidInput) else 1
    except KeyboardInterrupt:  # the machine goes on; only the looking has ended
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="canario", description="Run the service-mesh workshop, and read its records.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
