"""What clients other than a current kubectl get."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
import yaml
from aiohttp import AddrInfoType

from lab.cluster.spdy.frames import Data, Decoder, Encoder, Frame, GoAway, Ping, Reset, SynReply, SynStream
from tests.lab.streams.conftest import PORT, SECONDS, Lab

_PODS = "/api/v1/namespaces/default/pods/web"
_EXEC = f"{_PODS}/exec?container=app&stdout=true&stderr=true&command=sh&command=-c&command="


@pytest.fixture
async def session(lab: Lab) -> AsyncIterator[aiohttp.ClientSession]:
    config = yaml.safe_load(lab.kubeconfig.read_text())
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    trusted = ssl.create_default_context(cafile=str(lab.directory / "cluster" / "ca.crt"))
    sockets: list[socket.socket] = []

    def opened(address: AddrInfoType) -> socket.socket:
        sockets.append(socket.socket(*address[:3]))
        return sockets[-1]

    connector = aiohttp.TCPConnector(ssl=trusted, socket_factory=opened)
    async with aiohttp.ClientSession(f"https://{lab.block.api}:6443", headers=headers, connector=connector) as session:
        yield session
    async with asyncio.timeout(SECONDS):
        while any(each.fileno() >= 0 for each in sockets):  # TLS says goodbye after the session has been closed
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("what", ["exec?command=true&container=app", "portforward?ports=3000"])
async def test_spdy_alone_is_told_what_to_do(session: aiohttp.ClientSession, what: str) -> None:
    """501, with the kubectl that works and the variable for older ones."""
    async with session.post(f"{_PODS}/{what}", headers={"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}) as answer:
        status = await answer.json()

    assert 501 == answer.status
    assert "Use kubectl 1.31 or newer" in status["message"]
    assert "WEBSOCKETS=true" in status["message"]


async def test_no_websocket_at_all_is_refused(session: aiohttp.ClientSession) -> None:
    """400, with the subprotocols there are."""
    async with session.get(f"{_EXEC}true") as answer:
        status = await answer.json()

    assert (400, True) == (answer.status, "v5.channel.k8s.io, v4.channel.k8s.io" in status["message"])


async def test_version_4_of_the_channels_works(session: aiohttp.ClientSession) -> None:
    """Other clients' WebSockets: channel 1, 2, and the Status on channel 3."""
    async with session.ws_connect(f"{_EXEC}echo out; exit 3", protocols=["v4.channel.k8s.io"]) as tunnel:
        messages = [message.data async for message in tunnel]
    status = json.loads(messages[-1][1:])

    assert [b"\x01out\n", 3] == [messages[0], messages[-1][0]]
    assert [{"reason": "ExitCode", "message": "3"}] == status["details"]["causes"]


async def test_what_is_no_size_leaves_a_terminal_as_it_is(session: aiohttp.ClientSession) -> None:
    """Nonsense on the resize channel and on unknown ones ends nothing."""
    path = f"{_PODS}/exec?container=app&stdin=true&stdout=true&tty=true&command=sh&command=-c"
    async with session.ws_connect(f"{path}&command=read x; echo got $x", protocols=["v5.channel.k8s.io"]) as tunnel:
        for nonsense in (b"\x04no json", b'\x04{"Width": -1, "Height": "x"}', b"\x09what", b"\xff\x09"):
            await tunnel.send_bytes(nonsense)
        await tunnel.send_bytes(b"\x00hello\n")
        said = b"".join([message.data[1:] async for message in tunnel if message.data[0] == 1])

    assert b"got hello" in said


async def test_a_tunnel_answers_pings_and_refuses_streams_of_no_kind(session: aiohttp.ClientSession) -> None:
    """A ping comes back; a data stream without its error stream is reset; what is not SPDY ends the tunnel."""
    encoder, decoder = Encoder(), Decoder()
    frames: list[Frame] = []
    async with session.ws_connect(f"{_PODS}/portforward", protocols=["SPDY/3.1+portforward.k8s.io"]) as tunnel:
        lonely = SynStream(1, {"streamtype": "data", "port": str(PORT), "requestid": "0"})
        for frame in (Ping(1), lonely):
            await tunnel.send_bytes(encoder.encode(frame))
        await tunnel.send_bytes(b"\x80\x02\x00\x01\x00\x00\x00\x00")
        async for message in tunnel:
            frames += decoder.feed(message.data)

    assert [Ping(1), Reset(1, 1), GoAway(0, 1)] == frames


async def test_one_connection_as_frames(session: aiohttp.ClientSession) -> None:
    """Both streams are accepted, the answer comes on the data stream, and both are ended."""
    encoder, decoder = Encoder(), Decoder()
    frames: list[Frame] = []
    about = {"port": str(PORT), "requestid": "0"}
    request = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
    async with session.ws_connect(f"{_PODS}/portforward", protocols=["SPDY/3.1+portforward.k8s.io"]) as tunnel:
        for frame in (
            SynStream(1, {"streamtype": "error", **about}),
            SynStream(3, {"streamtype": "data", **about}),
            Data(3, request),
        ):
            await tunnel.send_bytes(encoder.encode(frame))
        while Data(3, b"", fin=True) not in frames:
            frames += decoder.feed(await tunnel.receive_bytes())
    body = b"".join(frame.data for frame in frames if isinstance(frame, Data) and frame.stream == 3)

    assert [SynReply(1), SynReply(3)] == frames[:2]
    assert body.endswith(b"web v1")
    assert Data(1, b"", fin=True) in frames
