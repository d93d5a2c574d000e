"""The lab's AWS: MiniStack up and down, and the real stacks deployed into it by the real CDK command line."""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from canario.adapters import aws as adapters
from lab import processes
from lab.errors import LabError
from lab.state import REGION

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = "000000000000"
# The services that the stacks and the lab's own parts use; what is not named is not there.
SERVICES = (
    "cloudformation,cloudwatch,dynamodb,ec2,ecr,events,iam,kms,lambda,logs,"
    "route53,s3,servicediscovery,scheduler,ssm,stepfunctions,sts"
)
HEALTHY_SECONDS = 30.0
CDK_SECONDS = 300.0
CONTEXT_PREFIX = "canario:"
CROSS_STACK = "ExportsOutput"  # outputs that the CDK makes for its own use
_LISTENING = "0A"


@dataclass(frozen=True)
class Endpoint:
    """A MiniStack that answers, and the bootstrap that runs in it."""

    url: str
    directory: Path  # the lab's
    server: processes.Child
    bootstrap: processes.Child


def up(directory: Path, *, wait_scale: float = 1.0) -> Endpoint:
    """Start MiniStack on a free loopback port, and `cdk bootstrap` in it; return when it answers. Raises LabError.

    `wait_scale` shortens the state machines' waits and the delays of their retries, for tests.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    env = {**_server_env(port, directory), "SFN_WAIT_SCALE": f"{wait_scale:g}"}
    server = processes.start("aws", [sys.executable, "-m", "lab.ministack"], lab=directory, env=env, cwd=ROOT)
    _until_healthy(server, url, directory)
    wide = listeners_beyond_loopback(server.pid)
    if wide:
        processes.stop(server)
        raise LabError(
            f"start MiniStack: it listens beyond loopback, at {', '.join(wide)}; the lab does not allow that"
        )
    # From a directory without an app: bootstrapping needs none, and would synthesise one that is there.
    command = _cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", output=directory / "bootstrap.out")
    bootstrap = processes.start(
        "bootstrap", command, lab=directory, env=_cdk_env(url, directory), cwd=directory / "aws"
    )
    return Endpoint(url, directory, server, bootstrap)


def deploy(endpoint: Endpoint, *, context: Mapping[str, str]) -> Mapping[str, str]:
    """Synthesise with these settings, deploy every stack; the stacks' outputs by name. Raises LabError."""
    directory = endpoint.directory
    out, outputs = directory / "cdk.out", directory / "outputs.json"
    synth = _cdk("synth", "--quiet", *_context(context), output=out)
    _finish("cdk synth", _start("synth", synth, endpoint), directory)
    _finish("cdk bootstrap", endpoint.bootstrap, directory)
    command = _cdk(
        "deploy", "--all", "--app", str(out), "--require-approval", "never", "--method", "direct",
        "--concurrency", "4", "--asset-parallelism", "--progress", "events", "--outputs-file", str(outputs),
        output=out,
    )  # fmt: skip
    _finish("cdk deploy", _start("deploy", command, endpoint), directory)
    stacks = json.loads(outputs.read_text())
    found = {name: value for stack in stacks.values() for name, value in stack.items()}
    return {name: value for name, value in found.items() if not name.startswith(CROSS_STACK)}


def down(endpoint: Endpoint) -> None:
    """End MiniStack and the functions' workers that it started."""
    if endpoint.bootstrap.popen.poll() is None:
        processes.stop(endpoint.bootstrap)
    processes.stop(endpoint.server)


def session() -> boto3.Session:
    """Credentials and region of the lab's AWS."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106


def client(endpoint: Endpoint, service: str) -> Any:
    """A boto3 client of the lab's AWS, `"ecr"` for example."""
    return session().client(service, endpoint_url=endpoint.url, config=adapters.CONFIG)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _server_env(port: int, directory: Path) -> dict[str, str]:
    """All that MiniStack and the functions' workers see: nothing of this shell but its path."""
    files = directory / "aws"
    (files / "tmp").mkdir(parents=True, exist_ok=True)
    return {
        **_base_env(files),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "SERVICES": SERVICES,
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        "S3_DATA_DIR": str(files / "s3"),
        "STATE_DIR": str(files / "state"),
    }


def _base_env(files: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join(
            (str(Path(sys.executable).parent), str(ROOT / "node_modules/.bin"), os.environ["PATH"])
        ),
        "HOME": str(files),
        "TMPDIR": str(files / "tmp"),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _cdk_env(url: str, directory: Path) -> dict[str, str]:
    """For the CDK command line; pip, which bundles the functions, keeps its own configuration."""
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT"))}
    return {
        **_base_env(directory / "aws"),
        **pip,
        "HOME": os.environ.get("HOME", str(directory)),
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_HOME": str(ROOT / ".cache/cdk"),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / ".cache/jsii"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _cdk(*arguments: str, output: Path) -> list[str]:
    return [
        str(ROOT / "node_modules/.bin/cdk"),
        *arguments,
        "--output",
        str(output),
        "--no-notices",
        "--no-version-reporting",
        "--ci",
    ]


def _context(settings: Mapping[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("--context", f"{CONTEXT_PREFIX}{name}={value}")]


def _start(name: str, command: Sequence[str], endpoint: Endpoint) -> processes.Child:
    environment = _cdk_env(endpoint.url, endpoint.directory)
    return processes.start(name, command, lab=endpoint.directory, env=environment, cwd=ROOT)


def _finish(step: str, child: processes.Child, directory: Path) -> None:
    """Wait for a command's end. Raises LabError with its last words when it failed or took too long."""
    log = directory / "logs" / f"{child.path.stem}.log"
    if not _ends_within(child.pid, CDK_SECONDS):
        processes.stop(child)
        raise LabError(f"{step}: not done after {CDK_SECONDS:.0f} s; see {log}")
    status = processes.reap(child)
    if status:
        raise LabError(f"{step} failed: {_last_error(log)}; all of it is in {log}")


def _ends_within(pid: int, seconds: float) -> bool:
    """Wait without reaping, so that the number stays this process's until its group is killed."""
    fd = os.pidfd_open(pid)
    try:
        waiting = select.poll()
        waiting.register(fd, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))
    finally:
        os.close(fd)


def _last_error(log: Path) -> str:
    """The line of a log that says most: the last one that speaks of an error, else the last."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "rror" in line or "canario:" in line or "failed" in line]
    return (errors or lines or ["it said nothing"])[-1][:300]


def _until_healthy(server: processes.Child, url: str, directory: Path) -> None:
    log = directory / "logs" / "aws.log"
    deadline = time.monotonic() + HEALTHY_SECONDS
    while not _answers(url):
        status = server.popen.poll()
        if status is not None:
            raise LabError(f"start MiniStack: it ended with status {status}; its last words are in {log}")
        if time.monotonic() > deadline:
            raise LabError(f"start MiniStack: {url} does not answer after {HEALTHY_SECONDS:.0f} s; see {log}")
        time.sleep(0.02)  # nothing to be woken by


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def listeners_beyond_loopback(pid: int) -> list[str]:
    """The TCP addresses, as the kernel writes them, at which the process listens for more than this machine."""
    return [address for address in _listening(pid) if not _is_loopback(address)]


def _listening(pid: int) -> list[str]:
    sockets = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and f"socket:[{fields[9]}]" in sockets:
                found.append(fields[1])
    return found


def _is_loopback(address: str) -> bool:
    """127.0.0.0/8 in IPv4, ::1 in IPv6; the kernel writes 32-bit words in the machine's byte order."""
    words = bytes.fromhex(address.partition(":")[0])
    if len(words) == 4:
        return words[:: -1 if sys.byteorder == "little" else 1][0] == 127
    return words[:12] == bytes(12) and words[12:] == (1).to_bytes(4, sys.byteorder)
