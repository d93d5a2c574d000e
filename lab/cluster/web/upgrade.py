"""What `exec` and `port-forward` have in common: a pod that runs, and a request to become a WebSocket."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from lab.cluster import errors
from lab.cluster.api import Api
from lab.cluster.objects import Obj, dig
from lab.cluster.runtime import PodRuntime
from lab.cluster.web.request import Target

_MAX_MESSAGE = 32 * 1024 * 1024  # bytes; a SPDY frame has at most half of it
_GOODBYE = 1.0  # seconds that a client has to answer a close


def running_pod(api: Api, target: Target, runtime: PodRuntime | None) -> tuple[Obj, PodRuntime]:
    """The pod and who runs it; 404 for no such pod, 400 for one that has ended or that nobody runs."""
    pod = api.get("pods", target.namespace, target.name)
    if runtime is None:
        raise errors.bad_request(f"no kubelet runs in this cluster: pods/{target.subresource} has nobody to ask")
    phase = dig(pod, "status", "phase", default="Pending")
    if phase in ("Succeeded", "Failed"):
        raise errors.bad_request(f"pod {target.name} has ended: its phase is {phase}")
    return pod, runtime


async def websocket(request: web.Request, protocols: Sequence[str], *, legacy: str) -> web.WebSocketResponse:
    """The request's WebSocket, with one of these subprotocols; clients that speak SPDY alone are told what to do.

    `legacy`: the variable with which kubectl 1.29 and 1.30 are told to use WebSockets here.
    """
    upgrade = request.headers.get("Upgrade", "").lower()
    if upgrade.startswith("spdy"):
        what = f"SPDY connections. Use kubectl 1.31 or newer, which speaks WebSocket (1.29, 1.30: {legacy}=true)"
        raise errors.not_implemented(what)
    offered = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if each.strip()]
    if upgrade != "websocket" or not set(offered) & set(protocols):
        asked = ", ".join(offered) or "none"
        raise errors.bad_request(f"a WebSocket is needed, with a subprotocol of {', '.join(protocols)}; asked: {asked}")
    socket = web.WebSocketResponse(protocols=protocols, compress=False, max_msg_size=_MAX_MESSAGE, timeout=_GOODBYE)
    await socket.prepare(request)
    return socket
