"""`python -m lab.telemetry.xray`: the lab's X-Ray endpoint, until SIGTERM. Prints `ready` when it serves."""

import argparse
import asyncio
import gc
import json
import logging
import signal
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from lab.telemetry.xray.operations import InvalidRequestError, Operations
from lab.telemetry.xray.statistics import Shape
from lab.telemetry.xray.store import KEPT_SECONDS, Store

_LARGEST_REQUEST = 8 * 2**20

log = logging.getLogger("lab.telemetry.xray")


def application(operations: Operations) -> web.Application:
    """The API by HTTP: rest-json, every operation a POST. Credentials are not looked at."""
    app = web.Application(client_max_size=_LARGEST_REQUEST)
    for path, operation in operations.by_path().items():
        app.router.add_post(path, _handler(operation))
    app.router.add_route("*", "/{path:.*}", _unknown)
    return app


def _handler(operation: Callable[[Shape], Shape]) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(operation(_members(await request.read())))
        except InvalidRequestError as error:
            return _error(400, "InvalidRequestException", str(error))
        except Exception:  # an answer that AWS's clients understand, and the reason in the log
            log.exception("%s failed", request.path)
            return _error(500, "InternalFailure", f"{request.path} failed; the lab's log of xray says why")

    return handle


def _members(body: bytes) -> Shape:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"the request is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidRequestError("the request is no JSON object")
    return found


async def _unknown(request: web.Request) -> web.Response:
    message = f"{request.method} {request.path}: the lab's X-Ray has no such operation (docs/tracing.md)"
    return _error(404, "UnknownOperationException", message)


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"Message": message}, status=status, headers={"x-amzn-ErrorType": code})


async def serve(host: str, port: int, operations: Operations) -> web.AppRunner:
    """Serve until the runner is cleaned up."""
    runner = web.AppRunner(application(operations), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.telemetry.xray", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--keep", type=float, default=KEPT_SECONDS, help="seconds for which a trace is kept")
    options = parser.parse_args()
    told = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    operations = Operations(Store(time.monotonic, kept_seconds=options.keep), time.time)
    runner = await serve(options.host, options.port, operations)
    gc.freeze()  # what is here now stays: collections look only at traces
    print("ready", flush=True)  # noqa: T201
    await told.wait()
    await runner.cleanup()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(main())
