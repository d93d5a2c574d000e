"""`kubectl port-forward`, judged by the real kubectl."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO

import httpx2

from tests.lab.streams.conftest import PORT, SECONDS, Kubectl


@contextmanager
def _forwarded(kubectl: Kubectl, what: str, port: int) -> Iterator[tuple[str, IO[bytes]]]:
    """The local address, and what kubectl goes on to say."""
    with kubectl.start("port-forward", what, f":{port}", "--address=127.0.0.1") as process:
        try:
            assert process.stdout is not None
            found = re.search(rb"Forwarding from (127\.0\.0\.1:\d+)", process.stdout.readline())
            assert found is not None
            yield found[1].decode(), process.stdout
        finally:
            process.kill()


def _get(address: str) -> tuple[int, str]:
    with httpx2.Client(trust_env=False, timeout=SECONDS) as client:
        answer = client.get(f"http://{address}/")
        return answer.status_code, answer.text


def test_many_connections_share_one_tunnel(kubectl: Kubectl) -> None:
    """Twenty requests, ten at a time, all reach the pod."""
    with _forwarded(kubectl, "pod/web", PORT) as (address, _), ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(_get, [address] * 20))

    assert [(200, "web v1")] * 20 == answers


def test_a_service_leads_to_its_pods_port(kubectl: Kubectl) -> None:
    """`svc/web` on its port 80 is the pod's named port."""
    with _forwarded(kubectl, "svc/web", 80) as (address, _):
        answer = _get(address)

    assert (200, "web v1") == answer


def test_a_connection_ends_when_its_client_has_gone(kubectl: Kubectl) -> None:
    """A client that leaves in the middle of a request stops nothing: the next one is served."""
    with _forwarded(kubectl, "pod/web", PORT) as (address, _):
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port))) as leaving:
            leaving.sendall(b"GET / HTTP/1.1\r\n")
        answer = _get(address)

    assert (200, "web v1") == answer


def test_a_port_that_nobody_listens_at_is_named(kubectl: Kubectl) -> None:
    """kubectl shows the port and the reason."""
    with _forwarded(kubectl, "pod/web", 9) as (address, said):
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port))) as refused:
            refused.settimeout(SECONDS)
            try:
                received = refused.recv(1)
            except ConnectionResetError:
                received = b""
        complaint = next(line for line in said if b"error" in line)

    assert b"" == received
    assert b"connect to port 9 of the pod: Connection refused" in complaint
