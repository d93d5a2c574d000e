"""MiniStack as a child process for tests: `with ministack(directory, services) as endpoint:`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from lab.net import free_port

READY_SECONDS = 30.0
SERVICES = (
    "cloudwatch",
    "dynamodb",
    "ecr",
    "events",
    "monitoring",
    "route53",
    "servicediscovery",
    "sqs",
    "stepfunctions",
    "sts",
)


@contextmanager
def ministack(directory: Path, services: Sequence[str] = SERVICES) -> Iterator[str]:
    """Yields the endpoint, on a free loopback port; nothing is written outside `directory`."""
    port = free_port()
    environment = {
        **os.environ,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "S3_DATA_DIR": str(directory / "s3"),
        "SERVICES": ",".join(services),
        "TMPDIR": str(directory),
    }
    log = directory / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, f"{endpoint}/_ministack/ready", log)
        yield endpoint
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx2.Client(trust_env=False) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get(url).is_success:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
    raise RuntimeError(f"MiniStack is not ready; its log ends with: {log.read_text()[-2000:]}")
