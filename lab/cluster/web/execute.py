"""`kubectl exec`: a command in a container, over a WebSocket."""

from __future__ import annotations

from aiohttp import web

from lab.cluster import errors
from lab.cluster.api import Api
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj, dig
from lab.cluster.runtime import PodRuntime
from lab.cluster.web import channels, upgrade
from lab.cluster.web.request import Target

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_LEGACY = "KUBECTL_REMOTE_COMMAND_WEBSOCKETS"


async def execute(api: Api, request: web.Request, target: Target, runtime: PodRuntime | None) -> web.StreamResponse:
    """Run `command` until it ends or the client goes; how it ended is a Status on the error channel."""
    pod, kubelet = upgrade.running_pod(api, target, runtime)
    query = request.query
    argv = query.getall("command", [])
    if not argv:
        raise errors.bad_request("command: it is empty; you must specify at least one command for the container")
    container = _container(pod, query.get("container", ""))
    stdin, tty = _flag(query.get("stdin")), _flag(query.get("tty"))
    socket = await upgrade.websocket(request, channels.PROTOCOLS, legacy=_LEGACY)
    try:
        async with kubelet.execute(target.namespace, target.name, container, argv, stdin=stdin, tty=tty) as command:
            exit_code = await channels.serve(socket, command)
    except ApiError as error:
        await channels.finish(socket, error.to_status())
    else:
        if exit_code is not None:
            await channels.finish(socket, channels.ended(exit_code))
    return socket


def _container(pod: Obj, asked: str) -> str:
    """The container that was asked for, else the pod's default one, else its first; 400 for one it has not."""
    names = [c["name"] for c in [*pod["spec"]["containers"], *dig(pod, "spec", "initContainers", default=[])]]
    chosen = asked or dig(pod, "metadata", "annotations", _DEFAULT_CONTAINER, default="") or names[0]
    if chosen not in names:
        known = ", ".join(names)
        raise errors.bad_request(f"container {chosen} is not valid for pod {pod['metadata']['name']}: it has {known}")
    return str(chosen)


def _flag(value: str | None) -> bool:
    return value in ("true", "1")
