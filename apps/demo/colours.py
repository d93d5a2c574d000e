"""Stands in for the applications of the public App Mesh walkthroughs: a front that asks for a colour, and colours.

Which of the two it is, its environment says, by the walkthroughs' own variables: with `COLOR_HOST` or
`COLOR_SERVICE_ENDPOINT` (host:port) it is a front, otherwise it answers every path with `COLOR`. `FAIL_RATE` (0 to 1,
answers 503) and `DELAY_S` are what single walkthroughs' colours do by themselves; `/fault` and `/recover` turn a
colour bad and good again (500). A front hands `color_header` on, calls `/x` for `/color/x` and `/` for anything else,
and counts by colour who answered what: `/stats`, `/reset_stats`. Health checks ask for `/ping`.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Mapping
from uuid import uuid4

import aiohttp
from aiohttp import web

HEADER = "color_header"
ANSWERED_BY = "x-color-host"
LONGEST_ANSWER = 300.0  # seconds; it is for the proxies to give up


class Color:
    """One colour; `uid` tells it from the others of its name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._color = environment.get("COLOR", "purple")
        self._fail_rate = float(environment.get("FAIL_RATE", "0"))
        self._delay = float(environment.get("DELAY_S", "0"))
        self._uid = str(uuid4())
        self._faulty = False

    async def answer(self, request: web.Request) -> web.Response:
        if request.path in ("/fault", "/recover"):
            self._faulty = request.path == "/fault"
            does = "now respond with 500 on /get" if self._faulty else "respond normally"
            return self._says(200, f"host: {self._uid} will {does}.")
        await asyncio.sleep(self._delay)
        if self._faulty:
            return self._says(500, "faulty")
        failed = random.random() < self._fail_rate  # noqa: S311 - a failure, not a secret
        return self._says(503 if failed else 200, self._color)

    def _says(self, status: int, text: str) -> web.Response:
        return web.Response(status=status, text=f"{text}\n", headers={ANSWERED_BY: self._uid})


class Front:
    """Asks the colour at `upstream`, host:port, through whatever proxy the environment names."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._stats: dict[str, Counter[str]] = {}
        self._client: aiohttp.ClientSession | None = None

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/stats":
            return web.json_response([{"HostUID": uid, "Counter": dict(each)} for uid, each in self._stats.items()])
        if request.path == "/reset_stats":
            self._stats.clear()
            return web.Response(text="stats cleared\n")
        path = request.path.removeprefix("/color") if request.path.startswith("/color/") else "/"
        return await self._ask(path, {HEADER: request.headers[HEADER]} if HEADER in request.headers else {})

    async def _ask(self, path: str, headers: Mapping[str, str]) -> web.Response:
        if self._client is None:
            timeout = aiohttp.ClientTimeout(total=LONGEST_ANSWER)
            self._client = aiohttp.ClientSession(trust_env=True, timeout=timeout)
        try:
            async with self._client.get(f"http://{self._upstream}{path}", headers=dict(headers)) as answer:
                self._count(answer)
                return web.Response(status=answer.status, text=await answer.text())
        except aiohttp.ClientError as error:
            return web.Response(status=500, text=f"asking {self._upstream}: {error}\n")

    def _count(self, answer: aiohttp.ClientResponse) -> None:
        if ANSWERED_BY not in answer.headers:
            return  # a proxy's own answer
        counter = self._stats.setdefault(answer.headers[ANSWERED_BY], Counter(StatusOk=0, StatusError=0, Total=0))
        counter["Total"] += 1
        counter["StatusOk" if answer.status == 200 else "StatusError"] += 1

    async def close(self, app: web.Application) -> None:
        if self._client:
            await self._client.close()


def application(environment: Mapping[str, str]) -> web.Application:
    """The one that the environment asks for."""
    app = web.Application()
    app.router.add_get("/ping", _pong)
    upstream = environment.get("COLOR_HOST") or environment.get("COLOR_SERVICE_ENDPOINT")
    if upstream:
        front = Front(upstream)
        app.on_cleanup.append(front.close)
        app.router.add_route("*", "/{path:.*}", front.answer)
    else:
        app.router.add_route("*", "/{path:.*}", Color(environment).answer)
    return app


async def _pong(request: web.Request) -> web.Response:
    return web.Response()


if __name__ == "__main__":
    port = int(os.environ.get("PORT") or os.environ.get("SERVER_PORT") or 8080)
    print(json.dumps({"color": os.environ.get("COLOR"), "port": port}), flush=True)  # noqa: T201
    web.run_app(application(os.environ), host=os.environ.get("HOST", "127.0.0.1"), port=port, print=None)
