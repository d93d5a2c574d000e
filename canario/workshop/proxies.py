"""Asking a pod's proxy what it has in force."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from canario.errors import RemoteError
from canario.mesh.proxies import Proxy, dump_of
from canario.workshop.ports import Kubernetes


def in_force(
    kubernetes: Kubernetes, proxy: Proxy, namespace: str, pod: str, resource: str
) -> Sequence[Mapping[str, Any]]:
    """The proxy's configurations of a kind (`canario.mesh.proxies.RESOURCES`). Raises RemoteError, with what to do."""
    path = dump_of(resource)
    try:
        answer = kubernetes.proxy(namespace, pod, proxy.port, path)
        if answer.status != 200:
            raise RemoteError(f"GET {path} at pod {namespace}/{pod} port {proxy.port}: Envoy said {answer.status}")
        found = json.loads(answer.body).get("configs", [])
    except RemoteError as error:
        raise RemoteError(f"{error}{f' ({proxy.advice})' if proxy.advice else ''}") from error
    except (ValueError, AttributeError) as error:
        raise RemoteError(f"GET {path} at pod {namespace}/{pod}: no configuration dump ({error!r})") from error
    return found if isinstance(found, list) else []
