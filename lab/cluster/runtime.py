"""What the API server and the kubelet owe each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.cluster.objects import Obj


class TokenIssuer(Protocol):
    def issue_token(self, namespace: str, service_account: str) -> str:
        """A bearer token with which a pod speaks as this service account; the same one every time."""
        ...


@dataclass(frozen=True)
class ApiAddress:
    """Where the API is, for a pod's kubeconfig, and who gives out its tokens."""

    url: str
    host: str
    port: int
    ca_file: Path
    tokens: TokenIssuer

    def issue_token(self, namespace: str, service_account: str) -> str:
        return self.tokens.issue_token(namespace, service_account)


class Command(Protocol):
    """A process that `kubectl exec` started beside a container's own; killed when its context ends."""

    @property
    def channels(self) -> Sequence[int]:
        """1 (stdout) and 2 (stderr); with a terminal only 1."""
        ...

    def read(self, channel: int) -> AsyncIterator[bytes]:
        """What it writes to `channel`, until it has ended and all of it is read."""
        ...

    async def write(self, data: bytes) -> None:
        """To its standard input; what it no longer wants to read is dropped."""
        ...

    def end_input(self) -> None: ...

    def resize(self, columns: int, rows: int) -> None:
        """The terminal's size in characters; nothing happens without one."""
        ...

    async def exit_code(self) -> int:
        """Once it has ended; 128 and the signal's number when a signal ended it."""
        ...


class PodRuntime(Protocol):
    """What the API asks of the kubelet that runs the pods."""

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool,
        previous: bool,
        tail: int | None,
        since_seconds: int | None,
        timestamps: bool,
    ) -> AsyncIterator[bytes]:
        """The container's log in chunks; `ApiError` 400 when there is none yet, 404 for an unknown container."""
        ...

    def execute(
        self, namespace: str, pod: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool
    ) -> AbstractAsyncContextManager[Command]:
        """Run a command in a container's surroundings; it ends with the context and with the container.

        Entering raises `ApiError`: 404 for an unknown container, 500 when it does not run or `argv` cannot start.
        """
        ...

    async def connect(self, namespace: str, pod: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TCP connection to a pod's port, past its sidecar. Raises `ApiError` 404, or `OSError`."""
        ...


__all__ = ["ApiAddress", "Command", "Obj", "PodRuntime", "TokenIssuer"]
