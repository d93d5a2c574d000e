"""`python -m lab.cluster`: how it begins and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.net import API_PORT, Block
from tests.lab.cluster_api.conftest import Kubectl
from tests.lab.cluster_api.support import any_block

_SECONDS = 20
PROGRAM = "import time; print('hello', flush=True); time.sleep(60)"


def _start(directory: Path, block: int, **streams: int) -> subprocess.Popen[str]:
    images = directory / "images.json"
    images.write_text(json.dumps([{"repository": "hello", "argv": [sys.executable, "-c", PROGRAM]}]))
    places = {"--directory": directory / "cluster", "--kubeconfig": directory / "kubeconfig", "--images": images}
    argv = [sys.executable, "-m", "lab.cluster", "--block", str(block)]
    argv += [str(part) for place in places.items() for part in place]
    return subprocess.Popen(argv, text=True, **streams)


def test_a_cluster_runs_pods_until_it_is_told_to_end(tmp_path: Path, kubectl: Kubectl) -> None:
    """`ready` on a line of its own; then pods run; SIGTERM ends them and the process, with status 0."""
    with _start(tmp_path, any_block().x, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        said = process.stdout.readline()
        own = Kubectl(kubectl.binary, tmp_path / "kubeconfig", tmp_path / "cache")
        own("run", "web", "--image=hello:latest")
        own("wait", "--for=condition=Ready", "pod/web", "--timeout=10s")
        pids = [json.loads(f.read_text())["pid"] for f in (tmp_path / "cluster" / "run").glob("*.json")]
        process.send_signal(signal.SIGTERM)
        status = process.wait(_SECONDS)

    assert ("ready\n", 0, 1) == (said, status, len(pids))
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_taken_address_is_one_clear_line(tmp_path: Path) -> None:
    """With the address, and status 1."""
    block = any_block()
    with socket.create_server((block.api, API_PORT)):
        process = _start(tmp_path, block.x, stderr=subprocess.PIPE)
        _, complaint = process.communicate(timeout=_SECONDS)

    assert (1, 1) == (process.returncode, len(complaint.splitlines()))
    assert f"cannot serve at {Block(block.x).api}:{API_PORT}" in complaint


def test_a_block_that_is_none_is_named(tmp_path: Path) -> None:
    """With what is allowed, and status 2."""
    process = _start(tmp_path, 300, stderr=subprocess.PIPE)
    _, complaint = process.communicate(timeout=_SECONDS)

    assert (2, "lab.cluster: --block: 300 is not between 1 and 254\n") == (process.returncode, complaint)
