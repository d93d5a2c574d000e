"""`python -m lab.mesh`: the mesh controller, as the pod `appmesh-controller` runs it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from functools import partial

import httpx2
from aiohttp import web

from lab.errors import LabError
from lab.mesh import refusals, webhook
from lab.mesh.cluster import Cluster, connect
from lab.mesh.control import AppMeshControl, Control
from lab.mesh.controller import Controller
from lab.mesh.flags import parse
from lab.mesh.istio.control import IstioControl
from lab.mesh.registry import Registry, cloud_map
from lab.mesh.settings import ControllerSettings
from lab.mesh.tracing import Tracing

WEBHOOK_PORT = 9443
HEALTH_PORT = 61779

_RETRY_SECONDS = 0.5

_log = logging.getLogger("lab.mesh")


async def serve(settings: ControllerSettings, trace: Tracing | None = None) -> None:
    """Run until cancelled. Healthy once the API knows the webhook. `trace`: how new pods are traced."""
    control: Control = IstioControl(settings.pod_ip) if settings.dialect == "gateway" else AppMeshControl(trace)
    cluster = Cluster(connect(), control.watched, control.manager)
    registry = Registry(cluster, partial(cloud_map, settings.aws), control.mapped) if settings.aws else None
    controller = Controller(cluster, settings.directory.absolute(), settings.vpc, registry, control)
    tls, authority = webhook.certificate(settings.pod_ip)
    registered = asyncio.Event()
    async with AsyncExitStack() as stack:
        runner = await _listen(stack, webhook.application(controller.inject))
        await web.TCPSite(runner, settings.pod_ip, WEBHOOK_PORT, ssl_context=tls).start()
        runner = await _listen(stack, _health(registered))
        await web.TCPSite(runner, settings.pod_ip, HEALTH_PORT).start()
        url = f"https://{settings.pod_ip}:{WEBHOOK_PORT}{webhook.PATH}"
        async with asyncio.TaskGroup() as group:
            group.create_task(cluster.run())
            group.create_task(_started(control, cluster, controller))
            group.create_task(refusals.follow(settings.directory.absolute(), cluster))
            if registry:
                group.create_task(registry.run())
            await _register(cluster, control.registration(url, authority))
            registered.set()


async def _started(control: Control, cluster: Cluster, controller: Controller) -> None:
    await control.start(cluster)
    await controller.run()


async def _listen(stack: AsyncExitStack, application: web.Application) -> web.AppRunner:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    return runner


def _health(registered: asyncio.Event) -> web.Application:
    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok\n") if registered.is_set() else web.Response(status=503, text="starting\n")

    app = web.Application()
    app.add_routes([web.get("/healthz", health), web.get("/readyz", health)])
    return app


async def _register(cluster: Cluster, registration: dict[str, object]) -> None:
    while True:
        try:
            return await cluster.register(registration)
        except httpx2.HTTPError as error:
            _log.warning("registering the webhook: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)


async def _until_told(settings: ControllerSettings, trace: Tracing | None) -> None:
    loop, work = asyncio.get_running_loop(), asyncio.ensure_future(serve(settings, trace))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    await asyncio.wait([work])
    if not work.cancelled():
        work.result()


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        asyncio.run(_until_told(ControllerSettings.read(os.environ), parse(sys.argv[1:])))
    except LabError as error:
        print(f"lab.mesh: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
