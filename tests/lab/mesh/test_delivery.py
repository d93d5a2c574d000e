"""How files reach an Envoy, and what is seen of those that it refuses."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from canario.adapters.certificates import X509Certificates
from canario.mesh.tls import CertificateFiles, ListenerTls, TlsMode
from lab.envoy.files import LDS, write_files
from lab.envoy.refusals import FILE
from lab.mesh.render import pod_files
from tests.lab.mesh.support import PORT, V1, Cluster, Pod, eventually

TLS = ListenerTls(TlsMode.STRICT, CertificateFiles("/certs/tls.crt", "/certs/tls.key"))
NOT_A_KEY = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"


@pytest.fixture
async def pod(cluster: Cluster, tmp_path: Path) -> Pod:
    """A pod with a directory for its certificates; its application answers nobody."""
    found = cluster.pod(V1)
    (tmp_path / "certs").mkdir()
    cluster.mount(found, "/certs", tmp_path / "certs")
    await cluster.start_ready(found)
    return found


def write(cluster: Cluster, pod: Pod, tls: ListenerTls | None = None, **fields: Any) -> None:
    """The pod's files, its own listener with these TLS settings and fields."""
    node = cluster.mesh.node(pod.node)
    assert node is not None
    node = replace(node, ports=(replace(node.ports[0], tls=tls),))
    files = pod_files(cluster.mesh, node, pod.place, cluster.endpoints, (cluster.block.vpc, 3128))
    files[LDS][1] |= fields
    write_files(pod.place.directory, files)


def refused(pod: Pod) -> list[dict[str, str]]:
    path = pod.place.directory / FILE
    return list(json.loads(path.read_text())) if path.exists() else []


async def answers(cluster: Cluster, pod: Pod) -> bool:
    """Whether the pod's listener speaks HTTP; 503, for there is no application."""
    try:
        async with cluster.session.get(f"http://{pod.place.pod_ip}:{PORT}/") as response:
            return response.status == 503
    except aiohttp.ClientError:
        return False


async def test_what_envoy_refuses_is_told_and_changes_nothing(cluster: Cluster, pod: Pod) -> None:
    """A listener that Envoy does not take is named with Envoy's reason; the old one serves; the next one is taken."""
    write(cluster, pod, listener_filters=[{"name": "no.such.filter"}])

    async def told() -> bool:
        return bool(refused(pod))

    async def silent() -> bool:
        return not refused(pod)

    await eventually(told)
    (found,) = refused(pod)
    served = await answers(cluster, pod)
    write(cluster, pod)
    await eventually(silent)

    assert served
    assert "listeners" == found["what"]
    assert 1 == found["reason"].count("no.such.filter")
    assert f"Envoy refuses listeners, version {found['version']}" in (cluster.directory / f"{pod.name}.log").read_text()


async def test_a_key_that_is_refused_is_nowhere_written(cluster: Cluster, pod: Pod, tmp_path: Path) -> None:
    """What is wrong with a certificate is told without a byte of its key; a good one is taken soon."""
    authority = X509Certificates().authority("shop", datetime.now(UTC), 1.0)
    certs = tmp_path / "certs"
    (certs / "tls.crt").write_text(authority.certificate)
    (certs / "tls.key").write_text(NOT_A_KEY)
    write(cluster, pod, TLS)

    async def told() -> bool:
        return bool(refused(pod))

    async def taken() -> bool:
        return not refused(pod)

    await eventually(told)
    what = refused(pod)[0]["what"]
    (certs / "tls.key").write_text(authority.key)
    await eventually(taken)
    everything = [path.read_text() for path in tmp_path.rglob("*") if path.is_file() and path.parent != certs]
    async with cluster.session.get(f"{cluster.admin(pod).url}/config_dump?include_eds") as response:
        everything.append(await response.text())

    assert "secrets certificate /certs/tls.crt /certs/tls.key" == what
    for secret in (NOT_A_KEY.splitlines()[1], *authority.key.splitlines()[1:-1]):
        assert not [text for text in everything if secret in text]


async def test_an_envoy_takes_no_inotify_instance(cluster: Cluster, pod: Pod, tmp_path: Path) -> None:
    """Nor does its launcher, not even with certificates: a user has 128 of them, which all workshops share."""
    authority = X509Certificates().authority("shop", datetime.now(UTC), 1.0)
    (tmp_path / "certs" / "tls.crt").write_text(authority.certificate)
    (tmp_path / "certs" / "tls.key").write_text(authority.key)
    write(cluster, pod, TLS)

    async def secured() -> bool:
        return not await answers(cluster, pod)

    await eventually(secured)
    assert pod.process
    launcher = pod.process.pid
    (envoy,) = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    opened = [os.readlink(each) for each in (*_descriptors(launcher), *_descriptors(int(envoy)))]

    assert len(opened) > 10
    assert [] == [each for each in opened if each == "anon_inode:inotify"]


def _descriptors(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/fd").iterdir())
