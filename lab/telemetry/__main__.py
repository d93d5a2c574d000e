"""`python -m lab.telemetry`: the callers' counters into CloudWatch about once a second, until SIGTERM.

Prints `ready` on a line of its own.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
from pathlib import Path

import aiohttp
from lightkube.resources.core_v1 import Namespace, Pod

from canario.adapters.metrics_writer import Publisher
from lab import boto, informer
from lab.informer import Informer
from lab.telemetry.collector import Collector

_DRAIN_SECONDS = 3.0


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.telemetry", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--aws-endpoint", required=True, help="where CloudWatch answers")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between two scrapes, 1 or more")
    options = parser.parse_args(argv)
    if options.interval < 1:
        parser.error(f"--interval: {options.interval:g} is not allowed; allowed: 1 or more seconds")
    return options


async def run(options: argparse.Namespace) -> None:
    """Collect until cancelled; what was read is put before this returns, if CloudWatch answers."""
    client = informer.client(options.kubeconfig)
    changed = asyncio.Event()
    pods, namespaces = Informer(client, Pod, changed.set), Informer(client, Namespace, lambda: None)
    # No retries of botocore's own: a put that was done, and not answered, would be done again.
    cloudwatch = boto.client(options.aws_endpoint, "cloudwatch", retries={"total_max_attempts": 1}, read_timeout=5)
    publisher = Publisher(cloudwatch)
    async with aiohttp.ClientSession() as session:
        collector = Collector(session, pods, namespaces, publisher, changed, options.interval)
        try:
            async with asyncio.TaskGroup() as group:
                for part in (pods, namespaces, publisher, collector):
                    group.create_task(part.run())
                await asyncio.gather(pods.listed.wait(), namespaces.listed.wait())
                print("ready", flush=True)  # noqa: T201
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await publisher.drain()


async def main() -> None:
    task = asyncio.create_task(run(arguments()))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(main())
