"""One lab cluster with a kubelet a session, a pod `web` in it, and every kubectl of this machine as judge."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.kubectl import install
from lab.net import Block
from tests.lab.cluster_api.support import any_block

ROOT = Path(__file__).resolve().parents[3]
PORT = 3000
SECONDS = 30
_PROGRAM = ROOT / "tests" / "lab" / "cluster" / "program.py"
_MANIFESTS = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {
                        "name": "app",
                        "image": "test/web",
                        "ports": [{"name": "http", "containerPort": PORT}],
                        "env": [{"name": "COLOUR", "value": "blue"}],
                        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1},
                    },
                    {"name": "beside", "image": "test/web", "command": ["sleep", "600"]},
                ],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
        },
    ],
}


@dataclass(frozen=True)
class Kubectl:
    """One kubectl binary, pointed at the cluster."""

    binary: str
    kubeconfig: Path

    def argv(self, *arguments: str) -> list[str]:
        return [self.binary, "--kubeconfig", str(self.kubeconfig), *arguments]

    def run(self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        argv = self.argv(*arguments)
        return subprocess.run(argv, input=stdin, capture_output=True, timeout=SECONDS, check=False, cwd=cwd)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.argv(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@dataclass(frozen=True)
class Lab:
    block: Block
    directory: Path

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A cluster process of its own, with the pod `web` ready."""
    found = Lab(any_block(), tmp_path_factory.mktemp("lab"))
    images = found.directory / "images.json"
    images.write_text(json.dumps([{"repository": "test/web", "argv": [sys.executable, str(_PROGRAM)]}]))
    places = {"--directory": found.directory / "cluster", "--kubeconfig": found.kubeconfig, "--images": images}
    argv = [sys.executable, "-m", "lab.cluster", "--block", str(found.block.x)]
    argv += [str(part) for place in places.items() for part in place]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            own = Kubectl(str(install(ROOT / ".cache" / "bin")), found.kubeconfig)
            applied = own.run("apply", "-f", "-", stdin=json.dumps(_MANIFESTS).encode())
            assert applied.returncode == 0, applied.stderr
            ready = own.run("wait", "--for=condition=Ready", "pod/web", f"--timeout={SECONDS}s")
            assert ready.returncode == 0, ready.stderr
            yield found
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="session", params=["the lab's", "the machine's"])
def kubectl(request: pytest.FixtureRequest, lab: Lab) -> Kubectl:
    """The lab's own kubectl, then the machine's where it has one that speaks WebSocket."""
    if request.param == "the lab's":
        return Kubectl(str(install(ROOT / ".cache" / "bin")), lab.kubeconfig)
    binary = shutil.which("kubectl")
    if binary is None:
        pytest.skip("this machine has no kubectl of its own")
    version = subprocess.run([binary, "version", "--client", "-o", "json"], capture_output=True, check=True)
    if int(json.loads(version.stdout)["clientVersion"]["minor"].rstrip("+")) < 31:
        pytest.skip("the machine's kubectl is older than 1.31: it speaks SPDY")
    return Kubectl(binary, lab.kubeconfig)
