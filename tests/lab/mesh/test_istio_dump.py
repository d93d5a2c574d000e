"""The EnvoyFilter's parts on a real Envoy that stands as Istio's bootstrap leaves it, with `virtualInbound` STRICT."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from canario.mesh import istio_dump
from canario.mesh.proxies import ISTIO, RESOURCES, ROUTES, dump_of
from lab.envoy import binary, bootstrap, resources
from lab.net import free_block

API_SERVER, STRANGER = "127.0.0.1", "127.0.0.2"
SECONDS = 20


def patches() -> dict[str, Any]:
    found = istio_dump.envoy_filter([f"{API_SERVER}/32"])["spec"]["configPatches"]
    return {each["applyTo"]: each["patch"]["value"] for each in found}


def inbound(address: str) -> dict[str, Any]:
    """As istiod writes it for a port with mTLS, but that nobody redirects to it: it listens at our port."""
    tls = {"filter_chain_match": {"destination_port": 3000, "transport_protocol": "tls"}, "filters": []}
    chains = [tls, patches()["FILTER_CHAIN"]]
    inspector = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
    original = "type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst"
    return {
        **untyped(resources.listener("virtualInbound", (address, ISTIO.port), chains)),
        "listener_filters": [
            {"name": "original_dst", "typed_config": {"@type": original}},
            {"name": "tls_inspector", "typed_config": {"@type": inspector}},
        ],
    }


def at_gateway(address: str) -> dict[str, Any]:
    return {**patches()["LISTENER"], "address": resources.socket_address((address, ISTIO.port))}


def untyped(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "@type"}


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of a sidecar and of a gateway, both of one Envoy."""
    directory, block = tmp_path_factory.mktemp("envoy"), free_block(range(200, 255))
    sidecar, gateway, administration = block.pod(1), block.pod(2), (block.pod(3), 15000)
    config = bootstrap.bootstrap("pod", administration)
    config["static_resources"] = {
        "clusters": [
            resources.config_server(),
            untyped(resources.static_cluster(istio_dump.ADMINISTRATION, [administration])),
        ],
        "listeners": [inbound(sidecar), at_gateway(gateway)],
    }
    del config["dynamic_resources"]
    path = directory / "bootstrap.json"
    path.write_text(json.dumps(config))
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(binary.command(path), cwd=directory, stdout=log, stderr=log)
        try:
            wait_for(sidecar, process, directory / "log")
            yield sidecar, gateway
        finally:
            process.terminate()
            process.wait(SECONDS)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            ask(address, "/")
        except httpx2.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(log.read_text())


def ask(address: str, path: str, *, method: str = "GET", source: str = API_SERVER) -> httpx2.Response:
    transport = httpx2.HTTPTransport(local_address=source)
    with httpx2.Client(transport=transport, trust_env=False, timeout=SECONDS) as client:
        return client.request(method, f"http://{address}:{ISTIO.port}{path}")


@pytest.mark.parametrize("place", [0, 1], ids=["sidecar", "gateway"])
def test_the_api_server_reads_what_is_in_force(envoy: tuple[str, str], place: int) -> None:
    """All that Canario asks for, though the mesh's listener wants TLS of everybody else."""
    answers = {resource: ask(envoy[place], dump_of(resource)) for resource in RESOURCES}

    assert dict.fromkeys(RESOURCES, 200) == {name: answer.status_code for name, answer in answers.items()}


@pytest.mark.parametrize("place", [0, 1], ids=["sidecar", "gateway"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/config_dump"),
        ("GET", "/config_dump?resource=dynamic_active_secrets"),
        ("GET", "/config_dump/../stats?resource=dynamic_listeners"),
        ("GET", "/stats"),
        ("POST", "/quitquitquit"),
        ("POST", dump_of(ROUTES)),
    ],
)
def test_nothing_else_reaches_the_administration(envoy: tuple[str, str], place: int, method: str, path: str) -> None:
    """Neither secrets nor anything that changes the proxy."""
    answer = ask(envoy[place], path, method=method)

    assert (404, istio_dump.REFUSED) == (answer.status_code, answer.text)


@pytest.mark.parametrize("place", [0, 1], ids=["sidecar", "gateway"])
def test_nobody_else_is_answered(envoy: tuple[str, str], place: int) -> None:
    """A pod of the cluster, for instance."""
    assert 403 == ask(envoy[place], dump_of(ROUTES), source=STRANGER).status_code
