"""`python -m lab run|up|down`: what `make lab`, `make lab-up` and `make lab-down` call."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from canario.errors import CanarioError, InvalidInput
from canario.workshop.request import parse_request
from lab import up
from lab.errors import LabError
from lab.many import keep_load, run_many
from lab.processes import StartError
from lab.run import LAB_PLAN, Options, run
from lab.state import DIRECTORY, Lab

INTERRUPTED = 130
DEFAULT_RATE = 60.0
MOST_WORKSHOPS = 20
MOST_ROLLOUTS = 1_000_000


def main(argv: Sequence[str]) -> int:
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _dispatch(_parser().parse_args(argv), console)
    except (CanarioError, LabError, StartError) as error:
        print(f"canario: {error}", file=sys.stderr)  # noqa: T201
        return 2 if isinstance(error, InvalidInput) else 1
    except KeyboardInterrupt:
        print("canario: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED


def _dispatch(arguments: argparse.Namespace, console: Console) -> int:
    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    if arguments.command == "down":
        up.bring_down(DIRECTORY, say)
        return 0
    if arguments.command == "load":
        return _load(arguments, say)
    options, count = _options(arguments), _whole("WORKSHOPS", arguments.workshops, MOST_WORKSHOPS)
    with up.sole(DIRECTORY):
        return _up(options, say) if arguments.command == "up" else _run(options, count, console, say)


def _up(options: Options, say: up.Say) -> int:
    if up.standing(DIRECTORY):
        say("lab: it is up already; `make lab-down` ends it")
        return 0
    try:
        lab, _ = _bring_up(options, say, kept=True)
        up.bring_mesh(lab, options.mesh)
    except BaseException:
        up.bring_down(DIRECTORY, say)
        raise
    say(f"lab: up. Try: kubectl --kubeconfig {_shown(lab.kubeconfig)} get pods -A")
    return 0


def _bring_up(options: Options, say: up.Say, *, kept: bool) -> tuple[Lab, dict[str, float]]:
    settings = {"observe_from": str(options.observe_from)}
    return up.bring_up(DIRECTORY, v2_error_rate=options.v2_error_rate, kept=kept, say=say, settings=settings)


def _load(arguments: argparse.Namespace, say: up.Say) -> int:
    lab = up.standing(DIRECTORY)
    if lab is None:
        raise LabError("no lab is up here; `make lab-up` starts one")
    keep_load(lab, _number("RATE", arguments.rate, 1000.0), say)
    return 0


def _run(options: Options, count: int, console: Console, say: up.Say) -> int:
    def one_or_many(lab: Lab, seconds: Mapping[str, float]) -> int:
        return run_many(lab, options, count, seconds, console) if count > 1 else run(lab, options, seconds, console)

    lab = up.standing(DIRECTORY)
    if lab:
        say("lab: using the one that is up")
        up.write_images(lab, options.v2_error_rate)
        up.bring_mesh(lab, options.mesh)
        return one_or_many(lab, {})
    try:
        lab, seconds = _bring_up(options, say, kept=False)
        up.bring_mesh(lab, options.mesh)
        return one_or_many(lab, seconds)
    finally:
        # A second Ctrl-C must not leave half a lab behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        up.bring_down(DIRECTORY, say)


def _options(arguments: argparse.Namespace) -> Options:
    """Refuse what the workshop would refuse before anything is started."""
    given = {"workshop": arguments.workshop, "mesh": arguments.mesh, "until": arguments.until, "canary": LAB_PLAN}
    request = parse_request(given, dialects=up.DIALECTS)
    return Options(
        workshop=request.workshop,
        mesh=request.mesh,
        until=request.until,
        v2_error_rate=_number("V2_ERROR_RATE", arguments.v2_error_rate, 1.0),
        rate=_number("RATE", arguments.rate, 1000.0),
        observe_from=_whole("OBSERVE_FROM", arguments.observe_from, MOST_ROLLOUTS, least=0),
    )


def _number(field: str, text: str, largest: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= largest:
        raise InvalidInput(field, text, f"a number from 0 to {largest:g}")
    return value


def _whole(field: str, text: str, largest: int, *, least: int = 1) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= largest:
        raise InvalidInput(field, text, f"a whole number from {least} to {largest}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="The workshop on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command, text in (
        ("run", "run one whole workshop under live load"),
        ("up", "leave the lab standing"),
        ("load", "call every workshop of the lab that is up, until interrupted"),
        ("down", "stop everything that `up` started"),
    ):
        each = commands.add_parser(command, help=text)
        each.add_argument("--workshop", default="default", help="the workshop's id, a DNS label")
        each.add_argument("--mesh", default=up.DIALECTS[0], help="the mesh dialect")
        each.add_argument("--until", default="clean", help="the last stage to run")
        each.add_argument("--v2-error-rate", default="0", help="how often the second nodejs fails, 0 to 1")
        each.add_argument("--workshops", default="1", help="how many at once, called turma-01, turma-02 …")
        each.add_argument(
            "--observe-from", default="100", help="so many rollouts at once have the shared observer read"
        )
        each.add_argument("--rate", default=str(DEFAULT_RATE), help="load on each, in requests a second")
    return parser


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _shown(path: Path) -> str:
    return os.path.relpath(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
