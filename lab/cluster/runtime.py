"""What the API server and the kubelet owe each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
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


__all__ = ["ApiAddress", "Obj", "PodRuntime", "TokenIssuer"]
