"""`python -m lab.vpc`: the lab's VPC until SIGTERM. Prints `ready` on a line of its own.

One Envoy at 127.X.0.2: an HTTP proxy at port 3128 that knows every name, and every load balancer's listeners.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from lightkube.resources.core_v1 import Endpoints, Service

from lab import boto, informer
from lab.informer import Informer
from lab.net import Block
from lab.processes import StartError
from lab.vpc.controller import Controller
from lab.vpc.proxy import Proxy
from lab.vpc.resources import Vpc
from lab.vpc.zones import Zones


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.vpc", description=__doc__)
    parser.add_argument("--block", type=int, required=True, help="second octet of the lab's block")
    parser.add_argument("--directory", type=Path, required=True, help="the files that Envoy is served")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--aws-endpoint", required=True, help="where Route 53 and Cloud Map answer")
    return parser.parse_args(argv)


async def run(options: argparse.Namespace) -> None:
    """Run the VPC until cancelled. Raises StartError (in a group) when its Envoy does not start."""
    directory = options.directory.resolve()
    vpc = Vpc(Block(options.block), directory)
    changed = asyncio.Event()
    client = informer.client(options.kubeconfig)
    services = Informer(client, Service, changed.set)
    endpoints = Informer(client, Endpoints, changed.set)
    zones = Zones(
        boto.client(options.aws_endpoint, "route53"), boto.client(options.aws_endpoint, "servicediscovery"), changed.set
    )
    controller = Controller(vpc, services, endpoints, zones, changed)
    proxy = Proxy(vpc.block, directory, directory.parent / "run")
    async with asyncio.TaskGroup() as group:
        for part in (services, endpoints, zones, controller):
            group.create_task(part.run())
        await controller.written.wait()
        group.create_task(proxy.run())
        await proxy.ready()
        print("ready", flush=True)  # noqa: T201


async def main() -> None:
    task = asyncio.create_task(run(arguments()))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(main())
    except* StartError as errors:
        sys.exit(f"lab.vpc: {errors.exceptions[0]}")
