"""The same suite on the lab's API and, where KUBEBUILDER_ASSETS has one, on a real kube-apiserver."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.contracts.kubernetes import real
from tests.contracts.kubernetes.http import Http
from tests.lab.cluster_api.support import served

_COUNT = itertools.count(1)


@pytest.fixture(scope="session", params=["lab", "kube-apiserver"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    """One API server a session."""
    directory = tmp_path_factory.mktemp("api")
    open_ = _lab if request.param == "lab" else _real
    with open_(directory) as http:
        yield http


@contextmanager
def _lab(directory: Path) -> Iterator[Http]:
    with served(directory) as running:
        trusted = ssl.create_default_context(cafile=str(running.server.address.ca_file))
        with _client(running.url, running.token, trusted) as client:
            yield Http(client)


@contextmanager
def _real(directory: Path) -> Iterator[Http]:
    binaries = real.assets()
    if binaries is None:
        pytest.skip("KUBEBUILDER_ASSETS names no directory with kube-apiserver and etcd")
    with real.apiserver(binaries, directory) as url, _client(url, real.TOKEN, False) as client:
        yield Http(client)


def _client(url: str, token: str, verify: ssl.SSLContext | bool) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "contract/1"}
    return httpx2.Client(base_url=url, headers=headers, verify=verify, trust_env=False, timeout=30)


@pytest.fixture
def namespace(api: Http) -> str:
    """A namespace that no other test uses."""
    name = f"contract-{next(_COUNT)}"
    answer = api.post("/api/v1/namespaces", {"metadata": {"name": name}})

    assert 201 == answer.code
    return name


@pytest.fixture
def maps(namespace: str) -> str:
    """The path of the namespace's ConfigMaps: the simplest objects there are."""
    return f"/api/v1/namespaces/{namespace}/configmaps"


@pytest.fixture
def deployments(namespace: str) -> str:
    """The path of the namespace's Deployments."""
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"
