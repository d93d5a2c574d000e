"""Services of type LoadBalancer: a host name as AWS gives it, and the loopback address that it stands for."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from lab.cluster.client import Client
from lab.cluster.controllers.events import Recorder
from lab.cluster.controllers.loop import Key
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj, dig, name_of, namespace_of
from lab.net import Block

REGION = "us-west-1"  # the document's
ADDRESSES = 254
_PREFIX = "service.beta.kubernetes.io/aws-load-balancer"


def wants_load_balancer(service: Obj) -> bool:
    return bool(dig(service, "spec", "type") == "LoadBalancer")


def is_internal(service: Obj) -> bool:
    """By either annotation. As in AWS's first provider, any value but `false` counts: the document's is mangled."""
    annotations = dig(service, "metadata", "annotations", default={})
    internal = str(annotations.get(f"{_PREFIX}-internal", "false")).strip().lower()
    scheme = str(annotations.get(f"{_PREFIX}-scheme", "")).strip().lower()
    return internal not in ("", "false") or scheme == "internal"


def hostname(service: Obj) -> str:
    """`internal-<32 hex>-<digits>.<region>.elb.amazonaws.com`; the same for the same Service uid."""
    uid = service["metadata"]["uid"]
    letters = ("a" + uid.replace("-", ""))[:32].ljust(32, "0")
    number = zlib.crc32(uid.encode()) % 900_000_000 + 100_000_000
    return f"{'internal-' if is_internal(service) else ''}{letters}-{number}.{REGION}.elb.amazonaws.com"


def address_of(service: Obj) -> str:
    """The address given to the service before; empty when none."""
    return str(dig(service, "status", "loadBalancer", "ingress", 0, "ip", default=""))


def address(service: Obj, services: Iterable[Obj], block: Block) -> str | None:
    """The service's address: the one it has, else the lowest that no other service has; None when all are taken."""
    uid = service["metadata"]["uid"]
    taken = {address_of(s) for s in services if wants_load_balancer(s) and s["metadata"]["uid"] != uid}
    candidates = [block.load_balancer(n) for n in range(1, ADDRESSES + 1)]
    own = address_of(service)
    if own in candidates and own not in taken:
        return own
    return next((a for a in candidates if a not in taken), None)


class LoadBalancerController:
    """Writes `status.loadBalancer`. One worker: two services must not be given the same address."""

    def __init__(self, client: Client, recorder: Recorder, block: Block) -> None:
        self._client = client
        self._recorder = recorder
        self._block = block

    async def reconcile(self, key: Key) -> None:
        namespace, name = key
        services, _ = await self._client.list("services")
        service = next((s for s in services if (namespace_of(s), name_of(s)) == key), None)
        if service is None:
            return
        ingress = await self._ingress(service, services) if wants_load_balancer(service) else []
        if ingress == dig(service, "status", "loadBalancer", "ingress", default=[]):
            return
        patch = {"status": {"loadBalancer": {"ingress": ingress or None}}}
        await self._client.patch("services", name, namespace, patch, subresource="status")
        if ingress:
            await self._recorder.normal(service, "EnsuredLoadBalancer", "Ensured load balancer")

    async def _ingress(self, service: Obj, services: Iterable[Obj]) -> list[Obj]:
        ip = address(service, services, self._block)
        if ip is None:
            message = f"Error syncing load balancer: all {ADDRESSES} addresses of the lab are taken; delete a Service"
            await self._recorder.warning(service, "SyncLoadBalancerFailed", message)
            raise ApiError(500, "InternalError", message)
        return [{"hostname": hostname(service), "ip": ip}]
