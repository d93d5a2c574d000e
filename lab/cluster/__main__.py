"""`python -m lab.cluster`: one lab cluster, from its API to its kubelet, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.cluster.client import LocalClient
from lab.cluster.cluster import ApiServer, Settings
from lab.cluster.controllers import run_controllers
from lab.cluster.kubelet import Kubelet
from lab.net import Block

_log = logging.getLogger("lab.cluster")


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.cluster", description=__doc__)
    parser.add_argument("--block", type=int, required=True, metavar="X", help="live in 127.X.0.0/16")
    parser.add_argument("--directory", type=Path, required=True, help="the cluster's own files")
    parser.add_argument("--kubeconfig", type=Path, required=True, help="where to write the admin's")
    parser.add_argument("--images", type=Path, required=True, help="what the lab's images run (JSON)")
    parser.add_argument("--sts-endpoint", default="", help="the STS that vouches for EKS tokens")
    return parser.parse_args(argv)


async def serve(settings: Settings, images: Path) -> int:
    """Run a cluster until a signal ends it: 0. What fails within it ends it as well: 1."""
    server = ApiServer(settings)
    block = settings.block
    kubelet = Kubelet(
        server.client("kubelet"),
        directory=settings.directory,
        images=images,
        block=block,
        api=server.address,
    )
    server.serve_logs_of(kubelet)
    await server.start()
    ended = _on_signals()
    parts = [
        asyncio.create_task(run_controllers(server.client("kube-controller-manager"), block=block)),
        asyncio.create_task(kubelet.run()),
    ]
    try:
        await _until_node_is_there(server.client("lab"), parts)
        print("ready", flush=True)  # noqa: T201  the contract with whoever started this process
        await asyncio.wait([*parts, ended], return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        await kubelet.stop()
        failed = await _cancelled(parts)
        await server.stop()
    return int(failed)


def _on_signals() -> asyncio.Task[bool]:
    """A task that is done when the process has been told to end."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return asyncio.create_task(told.wait())


async def _until_node_is_there(client: LocalClient, parts: Sequence[asyncio.Task[None]]) -> None:
    """Return when the kubelet has registered its node, or when a part has failed."""

    async def registered() -> None:
        async for _ in client.watch("nodes", since="1"):
            return

    waiting = asyncio.create_task(registered())
    await asyncio.wait([waiting, *parts], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _cancelled(parts: Sequence[asyncio.Task[None]]) -> bool:
    """End the parts; whether one of them had failed."""
    for part in parts:
        part.cancel()
    results = await asyncio.gather(*parts, return_exceptions=True)
    failures = [result for result in results if isinstance(result, Exception)]
    for failure in failures:
        _log.error("a part of the cluster failed", exc_info=failure)
    return bool(failures)


def main(argv: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    arguments = _arguments(sys.argv[1:] if argv is None else argv)
    try:
        block = Block(arguments.block)
    except ValueError as error:
        print(f"lab.cluster: --{error}", file=sys.stderr)  # noqa: T201
        return 2
    settings = Settings(block, arguments.directory, arguments.kubeconfig, arguments.sts_endpoint)
    try:
        return asyncio.run(serve(settings, arguments.images))
    except OSError as error:
        _log.error("cannot serve at %s:%d: %s", block.api, settings.port, error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
