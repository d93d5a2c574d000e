"""The channels of `kubectl exec` in one WebSocket: `v4.channel.k8s.io`, `v5.channel.k8s.io`.

A binary message is a channel's number in one byte, then the channel's bytes. Version 5 adds 255: the channel whose
number follows has ended. Source: KEP-4006 and the Kubernetes API conventions.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import WSMsgType, web

from lab.cluster.runtime import Command

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
PROTOCOLS = (V5, V4)
_STDIN, _ERROR, _RESIZE, _CLOSE = 0, 3, 4, 255


async def serve(socket: web.WebSocketResponse, command: Command) -> int | None:
    """Carry bytes both ways until the command has ended: its exit code; None when the client went away first."""
    taking = asyncio.create_task(_take(socket, command))
    giving = asyncio.create_task(_give_all(socket, command))
    try:
        await asyncio.wait((taking, giving), return_when=asyncio.FIRST_COMPLETED)
        return giving.result() if giving.done() else None
    except ConnectionError:
        return None
    finally:
        taking.cancel()
        giving.cancel()
        await asyncio.gather(taking, giving, return_exceptions=True)


async def finish(socket: web.WebSocketResponse, status: dict[str, Any]) -> None:
    """Tell how it went (a metav1.Status), and close."""
    await socket.send_bytes(bytes((_ERROR,)) + json.dumps(status).encode())
    await socket.close()


def ended(exit_code: int) -> dict[str, Any]:
    """The Status of a command that has ended."""
    if exit_code == 0:
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {exit_code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(exit_code)}]},
    }


async def _give_all(socket: web.WebSocketResponse, command: Command) -> int:
    async with asyncio.TaskGroup() as group:
        for channel in command.channels:
            group.create_task(_give(socket, command, channel))
    return await command.exit_code()


async def _give(socket: web.WebSocketResponse, command: Command, channel: int) -> None:
    async for chunk in command.read(channel):
        await socket.send_bytes(bytes((channel,)) + chunk)


async def _take(socket: web.WebSocketResponse, command: Command) -> None:
    """Until the client has gone."""
    async for message in socket:
        if message.type == WSMsgType.BINARY and message.data:
            await _obey(command, message.data[0], message.data[1:])


async def _obey(command: Command, channel: int, data: bytes) -> None:
    if channel == _STDIN:
        await command.write(data)
    elif channel == _RESIZE:
        _resize(command, data)
    elif channel == _CLOSE and data[:1] == bytes((_STDIN,)):
        command.end_input()


def _resize(command: Command, data: bytes) -> None:
    """`{"Width": 80, "Height": 24}`; what is not that is left aside: a terminal's size is no reason to end it."""
    try:
        size = json.loads(data)
        command.resize(int(size["Width"]), int(size["Height"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        return
