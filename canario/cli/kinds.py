"""What the commands' files have in common."""

import argparse
import os
from typing import TYPE_CHECKING

from canario.workshop.hints import LANGUAGES

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = object


class Unmet(Exception):
    """All has been said, and the answer is no: exit status 1."""


def add_workshop(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("workshop", help="the workshop's id")


def add_language(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lang", choices=LANGUAGES, default=own_language(), help="default: the environment's, by LANG")


def own_language() -> str:
    """The language of the person's environment, English unless it is Portuguese."""
    given = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "pt-BR" if given.lower().startswith("pt") else "en"
