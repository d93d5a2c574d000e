"""What the controller and the sidecars are told by their environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.envoy.resources import Address
from lab.errors import LabError
from lab.mesh.injection import ADMIN_PORT
from lab.net import VPC_PROXY_PORT


class MissingSettingError(LabError):
    """A variable that must be there is not."""


@dataclass(frozen=True)
class ControllerSettings:
    """`directory`: where the pods' files go; `vpc`: the VPC's proxy; `pod_ip`: where to serve.

    `aws`: where Cloud Map answers; empty: there is none, and nodes have the pods that would be registered.
    """

    directory: Path
    vpc: Address
    pod_ip: str
    aws: str = ""
    dialect: str = "appmesh"

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> ControllerSettings:
        directory = Path(_get(environment, "LAB_MESH_DIR"))
        vpc = address(_get(environment, "LAB_VPC"), VPC_PROXY_PORT)
        dialect = environment.get("LAB_MESH_DIALECT", cls.dialect)
        return cls(directory, vpc, _get(environment, "POD_IP"), environment.get("LAB_AWS", ""), dialect)


@dataclass(frozen=True)
class SidecarSettings:
    """`directory`: this pod's files; `node_id`: what Envoy calls itself; `mounts`: path → real path; `admin_port`: of
    Envoy's administration, `dump_port`: of what shows its configuration alone, both at the pod's address.
    """

    directory: Path
    pod_ip: str
    app_ip: str
    node_id: str
    mounts: Mapping[str, str] = field(default_factory=dict)
    admin_port: int = ADMIN_PORT
    dump_port: int | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> SidecarSettings:
        pod = Path(_get(environment, "POD_NAMESPACE")) / _get(environment, "HOSTNAME")
        return cls(
            directory=Path(_get(environment, "LAB_MESH_DIR")).absolute() / pod,
            pod_ip=_get(environment, "POD_IP"),
            app_ip=_get(environment, "APP_IP"),
            node_id=environment.get("APPMESH_VIRTUAL_NODE_NAME", str(pod)),
            mounts=json.loads(environment.get("LAB_MOUNTS", "{}")),
            admin_port=int(environment.get("ENVOY_ADMIN_ACCESS_PORT") or ADMIN_PORT),
            dump_port=int(environment["CONFIG_DUMP_PORT"]) if environment.get("CONFIG_DUMP_PORT") else None,
        )


def address(text: str, default_port: int) -> Address:
    """`127.1.0.2:3128`, or without the port."""
    host, _, port = text.removeprefix("http://").partition(":")
    return host, int(port or default_port)


def _get(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise MissingSettingError(f"the environment has no {name}: the lab's images and its kubelet set it")
    return value
