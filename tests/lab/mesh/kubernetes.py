"""A Kubernetes API with the mesh's controller at work in it, and no kubelet: the tests say what pods became."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from canario.workshop.stages.s03_controller import crds
from lab.cluster.client import LocalClient
from lab.cluster.cluster import ApiServer, Settings
from lab.mesh.__main__ import HEALTH_PORT
from lab.net import Block
from tests.lab.mesh.support import START_SECONDS, eventually

Obj = dict[str, Any]

RESOURCES = {
    "Mesh": "meshes.appmesh.k8s.aws",
    "VirtualNode": "virtualnodes.appmesh.k8s.aws",
    "VirtualRouter": "virtualrouters.appmesh.k8s.aws",
    "VirtualService": "virtualservices.appmesh.k8s.aws",
    "VirtualGateway": "virtualgateways.appmesh.k8s.aws",
    "GatewayRoute": "gatewayroutes.appmesh.k8s.aws",
    "BackendGroup": "backendgroups.appmesh.k8s.aws",
    "GatewayClass": "gatewayclasses.gateway.networking.k8s.io",
    "Gateway": "gateways.gateway.networking.k8s.io",
    "HTTPRoute": "httproutes.gateway.networking.k8s.io",
    "Sidecar": "sidecars.networking.istio.io",
    "ServiceEntry": "serviceentries.networking.istio.io",
    "PeerAuthentication": "peerauthentications.security.istio.io",
    "Telemetry": "telemetries.telemetry.istio.io",
    "Namespace": "namespaces",
    "Pod": "pods",
    "Service": "services",
}


@dataclass
class Kubernetes:
    """The API as the tests use it, and where the controller writes its files."""

    client: LocalClient
    directory: Path
    block: Block

    async def create(self, *objects: Mapping[str, Any]) -> None:
        for obj in objects:
            await self.client.create(RESOURCES[obj["kind"]], dict(obj))

    async def get(self, kind: str, name: str, namespace: str | None) -> Obj:
        return await self.client.get(RESOURCES[kind], name, namespace)

    async def patch(self, obj: Mapping[str, Any], patch: Obj, *, subresource: str = "") -> None:
        metadata = obj["metadata"]
        await self.client.patch(
            RESOURCES[obj["kind"]], metadata["name"], metadata.get("namespace"), patch, subresource=subresource
        )

    async def condition(self, obj: Mapping[str, Any]) -> Obj:
        """The object's condition, once the controller has written one for its present generation."""
        kind, metadata = obj["kind"], obj["metadata"]

        async def current() -> bool:
            found = await self.get(kind, metadata["name"], metadata.get("namespace"))
            return found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"]

        await eventually(current)
        found = await self.get(kind, metadata["name"], metadata.get("namespace"))
        return dict(found["status"]["conditions"][0])

    async def active(self, obj: Mapping[str, Any]) -> None:
        async def is_active() -> bool:
            return (await self.condition(obj))["status"] == "True"

        await eventually(is_active)


@asynccontextmanager
async def kubernetes(directory: Path, block: Block, *flags: str, **settings: str) -> AsyncIterator[Kubernetes]:
    """The API with App Mesh's CRDs, and the controller running as its pod would, with these flags and settings."""
    server = ApiServer(Settings(block, directory / "cluster", directory / "kubeconfig"))
    await server.start()
    environment = {
        **os.environ,
        "KUBECONFIG": str(directory / "kubeconfig"),
        "LAB_MESH_DIR": str(directory / "mesh"),
        "LAB_VPC": block.vpc,
        "POD_IP": block.pod(1),
        **settings,
    }
    with (directory / "controller.log").open("ab") as log:
        controller = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lab.mesh", *flags), env=environment, stdout=log, stderr=log
        )
    try:
        await _healthy(block.pod(1))
        api = Kubernetes(server.client("tests"), directory / "mesh", block)
        for crd in crds():
            await api.client.create("customresourcedefinitions.apiextensions.k8s.io", crd)
        yield api
    finally:
        controller.terminate()
        status = await controller.wait()
        await server.stop()
    assert status == 0


async def _healthy(address: str) -> None:
    async with aiohttp.ClientSession() as session:

        async def answers() -> bool:
            try:
                async with session.get(f"http://{address}:{HEALTH_PORT}/healthz") as response:
                    return response.status == 200
            except aiohttp.ClientError:
                return False

        await eventually(answers, START_SECONDS)
