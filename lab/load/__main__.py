"""`python -m lab.load --url http://127.X.1.n/ --rate 100 --report FILE`: load until SIGTERM.

The report is written about once a second and at the end; what is in flight at the end is waited for.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

import aiohttp

from lab.load.generator import Generator, now
from lab.load.schedule import Spacing, starts
from lab.load.tally import Tally


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.load", description=__doc__.partition("\n\n")[2])
    parser.add_argument("--url", type=_url, required=True)
    parser.add_argument("--rate", type=_above_zero, required=True, help="requests a second, on average")
    parser.add_argument("--report", type=Path, required=True, help="JSON file that is replaced every second")
    parser.add_argument("--spacing", type=Spacing, choices=list(Spacing), default=Spacing.POISSON)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=512, help="requests in flight; one more is not sent")
    parser.add_argument("--timeout", type=_above_zero, default=8.0, help="seconds to wait for an answer")
    parser.add_argument("--seconds", type=_above_zero, default=None, help="end by itself after so long")
    return parser.parse_args(argv)


def _url(text: str) -> str:
    if not text.startswith("http://"):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: http://host[:port]/path")
    return text


def _above_zero(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: a number above 0")


def write(report: Path, tally: Tally, *, final: bool) -> None:
    """Replace the report by atomic rename."""
    fresh = report.with_suffix(".new")
    fresh.write_text(json.dumps(tally.report(now() if final else None), indent=1))
    fresh.replace(report)


async def run(options: argparse.Namespace, told: asyncio.Event) -> Tally:
    """Send until `told` or `options.seconds` are over; returns the final counts, which are in the report."""
    tally = Tally(now())
    write(options.report, tally, final=False)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        generator = Generator(session, options.url, tally, limit=options.limit, timeout=options.timeout)
        sending = asyncio.create_task(generator.send(starts(options.rate, options.spacing, options.seed)))
        reporting = asyncio.create_task(_report(options.report, tally))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(options.seconds):
                await told.wait()
        sending.cancel()
        await generator.finish()
        reporting.cancel()
    write(options.report, tally, final=True)
    return tally


async def _report(report: Path, tally: Tally) -> None:
    while True:
        await asyncio.sleep(1)
        write(report, tally, final=False)


async def main() -> None:
    options, told = arguments(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    tally = await run(options, told)
    print(f"{tally.sent} sent, {tally.failed} failed", flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except OSError as error:
        sys.exit(f"lab.load: {error}")
