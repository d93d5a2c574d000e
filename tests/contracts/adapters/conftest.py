"""What several ports' suites share."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import pytest

from canario.adapters import aws
from canario.canary.ports import Target
from lab.net import free_block

ECHO = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Echo(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(418 if self.path == "/teapot" else 200)
        self.send_header("X-Path", self.path)
        self.end_headers()
        self.wfile.write(b"hello")
HTTPServer((os.environ["HOST"], 3000), Echo).serve_forever()
"""


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for what outlives a test in MiniStack."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def target(name: str) -> Target:
    return Target(name, "appmesh", name, "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory, ministack: str) -> Iterator[Path]:
    """The kubeconfig of a running lab cluster, whose STS is MiniStack and whose image `echo` answers GETs."""
    directory: Path = tmp_path_factory.mktemp("cluster")
    path, images, log = directory / "kubeconfig", directory / "images.json", directory / "cluster.log"
    images.write_text(json.dumps([{"repository": "echo", "argv": [sys.executable, "-c", ECHO], "env": {}}]))
    block = free_block(range(20, 60)).x
    arguments = ["--block", str(block), "--directory", str(directory / "cluster"), "--kubeconfig", str(path)]
    arguments += ["--images", str(images), "--sts-endpoint", ministack]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab.cluster", *arguments], stdout=subprocess.PIPE, stderr=errors
        )
    try:
        assert process.stdout
        said = process.stdout.readline()  # ends at once when the process does
        assert said == b"ready\n", log.read_text()[-2000:]
        yield path
    finally:
        process.terminate()
        process.communicate(timeout=20)


def make_table(session: boto3.Session, name: str):
    """Canario's table: string keys `pk` and `sk`, on demand."""
    aws.client(session, "dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    return aws.table(session, name)
