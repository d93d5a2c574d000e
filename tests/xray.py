"""The lab's X-Ray as a child process for tests: `with xray() as endpoint:`; a client that is nobody's."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab import boto
from lab.net import free_port


@contextmanager
def xray() -> Iterator[str]:
    """Yields the endpoint, on a free loopback port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.telemetry.xray", "--port", str(port)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"  # ends at once when the process does
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        status = process.wait(timeout=10)
        process.stdout.close()
    assert status == 0


def client(endpoint: str) -> Any:
    """A boto3 client, which tries once."""
    return boto.client(endpoint, "xray", retries={"total_max_attempts": 1})
