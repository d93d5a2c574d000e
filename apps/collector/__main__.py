"""`python -m apps.collector`: Istio's counters into CloudWatch until SIGTERM (README.md)."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from time import time

import aiohttp
import boto3
from aiohttp import web
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from botocore.config import Config

from apps.collector.collecting import Collector
from apps.collector.proxies import Proxies
from apps.collector.settings import BadSetting, Settings, settings_from
from canario.adapters.aws import CONFIG
from canario.adapters.kubernetes import Cluster
from canario.adapters.metrics_writer import Publisher
from canario.errors import RemoteError

log = logging.getLogger("apps.collector")

_DRAIN_SECONDS = 10.0


def cluster(settings: Settings) -> Cluster:
    """The API as the service account may use it; its token is renewed in its file."""
    token = settings.account / "token"
    ca = (settings.account / "ca.crt").read_text()
    return Cluster(settings.api, ca, lambda: token.read_text().strip(), field_manager="canario-collector")


async def run(settings: Settings) -> None:
    """Collect until cancelled; then read once more and put what is left, if CloudWatch answers."""
    # No retries of botocore's own: a put that was done, and not answered, would be done again.
    once = CONFIG.merge(Config(retries={"total_max_attempts": 1}, read_timeout=5))
    publisher = Publisher(boto3.Session().client("cloudwatch", config=once), looks=False)
    with cluster(settings) as api:
        async with aiohttp.ClientSession() as session:
            collector = Collector(api, Proxies(session, settings.proxy_port), publisher, settings)
            health = await serve(collector, settings.health_port)
            try:
                log.info("collecting", extra={"window": settings.window, "scrape": settings.scrape})
                async with asyncio.TaskGroup() as group:
                    group.create_task(publisher.run())
                    group.create_task(collector.run())
            finally:
                await finish(collector, publisher)
                await health.cleanup()


async def finish(collector: Collector, publisher: Publisher) -> None:
    """The last reading belongs to the window that is open."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            with contextlib.suppress(RemoteError):
                await collector.collect(int(time()) + 1)
            collector.put()
            await publisher.drain()
    except TimeoutError:
        log.error("what was counted last could not be put in time")


async def serve(collector: Collector, port: int) -> web.AppRunner:
    async def health(_: web.Request) -> web.Response:
        trouble = collector.trouble
        return web.Response(text=trouble or "ok", status=503 if trouble else 200)

    application = web.Application()
    application.add_routes([web.get("/health", health)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, os.environ.get("HOST"), port).start()
    return runner


async def main(settings: Settings) -> None:
    task = asyncio.create_task(run(settings))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def log_json() -> None:
    """A line an event, constant messages, everything else in fields."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LambdaPowertoolsFormatter(service="canario-collector"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("botocore", "httpx2"):  # a line a call
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    log_json()
    try:
        told = settings_from(os.environ)
    except BadSetting as error:
        sys.exit(f"collector: {error}")
    asyncio.run(main(told))
