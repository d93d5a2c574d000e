"""`kubectl port-forward`: TCP connections to a pod, as pairs of SPDY streams inside one WebSocket.

For every connection the client opens a stream `error` and a stream `data` with the same `requestID`. The data stream
is the connection; a text on the error stream says why there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from lab.cluster.api import Api
from lab.cluster.errors import ApiError
from lab.cluster.runtime import PodRuntime
from lab.cluster.spdy.frames import Data, Decoder, Encoder, Frame, GoAway, Ping, Reset, SpdyError, SynReply, SynStream
from lab.cluster.web import upgrade
from lab.cluster.web.request import Target

PROTOCOL = "SPDY/3.1+portforward.k8s.io"
_LEGACY = "KUBECTL_PORT_FORWARD_WEBSOCKETS"
_CHUNK = 32 * 1024
_WAITING = 16  # frames of one stream that may wait for the pod; then the whole connection waits
_PROTOCOL_ERROR = 1

Dial = Callable[[int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def forward(
    api: Api, request: web.Request, target: Target, runtime: PodRuntime | None, closing: asyncio.Event
) -> web.StreamResponse:
    """Serve one `kubectl port-forward` until it goes, or the server closes."""
    _, kubelet = upgrade.running_pod(api, target, runtime)
    socket = await upgrade.websocket(request, (PROTOCOL,), legacy=_LEGACY)

    async def dial(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await kubelet.connect(target.namespace, target.name, port)

    ending = asyncio.create_task(_close_with(closing, socket))
    try:
        await Tunnel(socket, dial).run()
    finally:
        ending.cancel()
    return socket


async def _close_with(closing: asyncio.Event, socket: web.WebSocketResponse) -> None:
    await closing.wait()
    await socket.close()


class Tunnel:
    """One WebSocket's SPDY connection."""

    def __init__(self, socket: web.WebSocketResponse, dial: Dial) -> None:
        self._socket, self._dial = socket, dial
        self._encoder, self._decoder = Encoder(), Decoder()
        self._errors: dict[str, int] = {}  # requestID → the error stream that waits for its data stream
        self._incoming: dict[int, asyncio.Queue[bytes | None]] = {}  # data stream → what the client sent; None: no more
        self._connections: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        try:
            async for message in self._socket:
                if message.type == WSMsgType.BINARY:
                    for frame in self._decoder.feed(message.data):
                        await self._obey(frame)
        except SpdyError:
            await self._send(GoAway(0, _PROTOCOL_ERROR))
        finally:
            for task in self._connections.values():
                task.cancel()
            await asyncio.gather(*self._connections.values(), return_exceptions=True)

    async def _obey(self, frame: Frame) -> None:
        match frame:
            case SynStream():
                await self._open(frame)
            case Data(stream, data, fin) if stream in self._incoming:
                if data:
                    await self._incoming[stream].put(data)
                if fin:
                    await self._incoming[stream].put(None)
            case Reset(stream, _) if stream in self._connections:
                self._connections[stream].cancel()
            case Ping():
                await self._send(frame)

    async def _open(self, frame: SynStream) -> None:
        headers = frame.headers
        kind, port, request = (headers.get(name, "") for name in ("streamtype", "port", "requestid"))
        if kind not in ("error", "data") or not port.isdigit() or (kind == "data" and request not in self._errors):
            await self._send(Reset(frame.stream, _PROTOCOL_ERROR))
            return
        await self._send(SynReply(frame.stream))
        if kind == "error":
            self._errors[request] = frame.stream
            return
        self._incoming[frame.stream] = asyncio.Queue(_WAITING)
        connection = asyncio.create_task(self._connect(frame.stream, self._errors.pop(request), int(port)))
        self._connections[frame.stream] = connection
        connection.add_done_callback(lambda _: self._forget(frame.stream))

    def _forget(self, stream: int) -> None:
        incoming = self._incoming.pop(stream)
        while not incoming.empty():  # whoever waits to put something in must not wait on
            incoming.get_nowait()
        del self._connections[stream]

    async def _connect(self, data: int, errors: int, port: int) -> None:
        """Be one connection: both ways, until the pod has nothing more to say."""
        why = ""
        try:
            reader, writer = await self._dial(port)
        except ApiError as error:
            why = error.message
        except OSError as error:
            why = f"connect to port {port} of the pod: {os.strerror(error.errno or 0)}"
        else:
            await self._copy(data, reader, writer)
        with contextlib.suppress(ConnectionError):
            await self._send(Data(errors, why.encode(), fin=True))
            await self._send(Data(data, b"", fin=True))

    async def _copy(self, stream: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sending = asyncio.create_task(self._to_pod(stream, writer))
        try:
            while chunk := await reader.read(_CHUNK):
                await self._send(Data(stream, chunk))
        except ConnectionError:
            pass  # of either side: the connection is over, which is all that can be told
        finally:
            sending.cancel()
            writer.close()
            await asyncio.gather(sending, return_exceptions=True)

    async def _to_pod(self, stream: int, writer: asyncio.StreamWriter) -> None:
        incoming = self._incoming[stream]
        while (chunk := await incoming.get()) is not None:
            with contextlib.suppress(ConnectionError):  # go on taking: a full queue would stop the other streams
                writer.write(chunk)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _send(self, frame: Frame) -> None:
        """Encoding and sending are one step: the order of compressed headers is the order on the wire."""
        await self._socket.send_bytes(self._encoder.encode(frame))
