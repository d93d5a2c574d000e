"""One served API a session, and the real kubectl to judge it."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.kubectl import install
from tests.lab.cluster_api.support import Running, served

REPOSITORY = Path(__file__).resolve().parents[3]
_SECONDS = 30
_COUNT = itertools.count(1)


@dataclass(frozen=True)
class Kubectl:
    """`kubectl("get", "pods")` → what it printed; a failure is the test's, unless asked for by `fails`."""

    binary: Path
    kubeconfig: Path
    cache: Path

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        done = self._run(arguments, stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def fails(self, *arguments: str, stdin: str = "") -> str:
        """What it complained about."""
        done = self._run(arguments, stdin)
        assert done.returncode != 0, f"kubectl {' '.join(arguments)} succeeded: {done.stdout}"
        return done.stderr

    def _run(self, arguments: tuple[str, ...], stdin: str) -> subprocess.CompletedProcess[str]:
        own = ["--kubeconfig", str(self.kubeconfig), "--cache-dir", str(self.cache)]
        argv = [str(self.binary), *own, *arguments]
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=_SECONDS, check=False)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An API that nobody acts on: no controllers, no kubelet."""
    with served(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="session")
def kubectl(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    binary = install(REPOSITORY / ".cache" / "bin")
    return Kubectl(binary, running.settings.kubeconfig, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture(scope="session")
def helm(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """`helm("list")` → what it printed."""
    own = {f"HELM_{kind}_HOME": str(tmp_path_factory.mktemp("helm")) for kind in ("CACHE", "CONFIG", "DATA")}

    def run(*arguments: str) -> str:
        argv = [str(kubectl.binary.with_name("helm")), "--kubeconfig", str(kubectl.kubeconfig), *arguments]
        done = subprocess.run(argv, env=os.environ | own, capture_output=True, text=True, timeout=_SECONDS, check=False)
        assert done.returncode == 0, f"helm {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    """A namespace of the test's own, made by `kubectl create ns`."""
    name = f"judged-{next(_COUNT)}"
    kubectl("create", "ns", name)
    return name


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """A file that is handed out beside the repository, or a skip that says so."""

    def find(name: str) -> Path:
        path = REPOSITORY.parent / "shared" / name
        if not path.exists():
            pytest.skip(f"{name} is not beside the repository (../shared)")
        return path

    return find
