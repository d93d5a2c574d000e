"""Bring the lab up and down: MiniStack, the cluster, the VPC, telemetry, and the stacks deployed into it."""

from __future__ import annotations

import base64
import fcntl
import json
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import yaml

from canario.adapters.kubernetes import from_kubeconfig
from lab import aws, helm, images, kubectl, processes, state
from lab.errors import LabError
from lab.mesh.istio import install as istio
from lab.net import API_PORT, free_block, free_port
from lab.state import Lab, environment

DIALECTS = ("appmesh", "gateway")  # what the lab's mesh understands; the first is the default
KEPT = ("bin", "cdk.out", "lock", "report.json")  # what outlives a run below `.lab`
READY_SECONDS = 30.0
STOP_SECONDS = 12.0

Say = Callable[[str], None]


@contextmanager
def sole(directory: Path) -> Iterator[None]:
    """Hold the lab's lock: two commands on one checkout do not meet. Raises LabError."""
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LabError("another `make lab` is at work in this folder; wait for it, or use another clone") from error
        yield


def standing(directory: Path) -> Lab | None:
    """The lab that `lab up` left standing, if one runs. One that a killed run left does not count."""
    lab = state.load(directory)
    record = processes.Record.read(directory / "run" / "cluster.json")
    return lab if lab and lab.kept and record and record.is_alive() else None


def bring_up(
    directory: Path, *, v2_error_rate: float, kept: bool, say: Say, settings: Mapping[str, str] | None = None
) -> tuple[Lab, dict[str, float]]:
    """A lab with everything deployed, and the seconds each step took. What a crashed lab left is ended first.

    `settings`: the stacks', beside those that make them the lab's.
    """
    clear(directory, say)
    directory = directory.resolve()
    seconds: dict[str, float] = {}
    with _timed("aws", seconds, say):
        endpoint = aws.up(directory)
    block = free_block()
    xray = f"http://127.0.0.1:{free_port()}"
    lab = Lab(directory, block.x, f"https://{block.api}:{API_PORT}", endpoint.url, xray=xray, kept=kept)
    with _timed("cluster", seconds, say):
        write_images(lab, v2_error_rate)
        child = _start_xray(lab)
        _start_cluster(lab)
        _start_vpc(lab)
        _wait(child, "the lab's X-Ray", lambda: _says_ready(lab, "xray"), lab)
    with _timed("deploy", seconds, say):
        lab = replace(lab, outputs=dict(aws.deploy(endpoint, context={**context(lab), **(settings or {})})))
        images.push(aws.client(endpoint, "ecr"), images.REPOSITORIES, tag=lab.outputs["ImageTag"])
        _start_telemetry(lab)
    kubectl.install(directory / "bin")
    helm.publish(aws.client(endpoint, "s3"), directory, endpoint.url)
    write_environment(lab)
    lab.save()
    return lab, seconds


def bring_mesh(lab: Lab, dialect: str) -> None:
    """What comes with the cluster: in the dialect `gateway` Istio, as charts bring it on AWS. May be repeated."""
    if dialect == "gateway":
        with from_kubeconfig(lab.kubeconfig) as kubernetes:
            for manifest in istio.manifests():
                kubernetes.apply(manifest)


def bring_down(directory: Path, say: Say) -> None:
    """End everything that the lab started; harmless when nothing runs."""
    ended = processes.end_leftovers(directory / "run", grace=STOP_SECONDS)
    ended += processes.end_leftovers(directory / "cluster" / "run")
    state.forget(directory)
    if ended:
        say("lab: down")


def clear(directory: Path, say: Say) -> None:
    """End what a crashed lab left, and remove its files; reports and downloads stay."""
    left = processes.end_leftovers(directory / "run", directory / "cluster" / "run", grace=STOP_SECONDS)
    if left:
        say(f"lab: ended {len(left)} processes that an earlier run had left")
    for path in directory.glob("*"):
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_images(lab: Lab, v2_error_rate: float) -> None:
    """The lab's image table; the second nodejs is built to fail at that rate."""
    table = images.table(
        sys.executable,
        v2_error_rate=v2_error_rate,
        mesh_directory=lab.directory / "mesh",
        vpc=lab.block.vpc,
        xray=lab.xray,
        aws=lab.aws,
    )
    fresh = lab.images.with_suffix(".new")
    fresh.write_text(json.dumps(table, indent=1))
    fresh.rename(lab.images)


def write_environment(lab: Lab) -> None:
    """`.lab/env`, for a shell: `source .lab/env` and everything finds the lab."""
    path = [str(lab.directory / "bin"), str(Path(sys.executable).parent)]
    variables = {
        **environment(lab),
        **helm.environment(lab.directory),
        "KUBECONFIG": str(lab.kubeconfig),
        "KUBECACHEDIR": str(lab.directory / "kube"),
        # The lab's AWS has one address; names below it (`data-…`) do not exist.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "PATH": f"{':'.join(path)}:$PATH",
    }
    text = "".join(f'export {name}="{value}"\n' for name, value in variables.items())
    (lab.directory / "env").write_text(text)
    command = lab.directory / "bin" / "canario"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{aws.ROOT}" exec "{sys.executable}" -m canario.cli "$@"\n')
    command.chmod(0o755)


def context(lab: Lab) -> Mapping[str, str]:
    """The stacks' settings for this lab: the same names as on AWS, other values."""
    away = {"HTTP_PROXY": lab.proxy, "NO_PROXY": f"127.0.0.1,localhost,{lab.block.api}"}
    functions = {**away, **{name.lower(): value for name, value in away.items()}, "AWS_ENDPOINT_URL_XRAY": lab.xray}
    return {
        "cluster_name": "lab",
        "cluster_endpoint": lab.kubernetes,
        "cluster_ca": _cluster_ca(lab.kubeconfig),
        "cluster_access": "no",  # MiniStack has no access entries; the lab cluster lets every function in
        "image_builds": "no",  # the lab's images are programs of this checkout
        "xray_group": "no",  # MiniStack's CloudFormation knows none
        "dialects": ",".join(DIALECTS),
        "function_environment": json.dumps(functions),
        # MiniStack runs the functions on this very interpreter.
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
    }


def _cluster_ca(kubeconfig: Path) -> str:
    """Base64 of PEM, as the kubeconfig has it."""
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    if "certificate-authority-data" in cluster:
        return str(cluster["certificate-authority-data"])
    return base64.b64encode(Path(cluster["certificate-authority"]).read_bytes()).decode()


def _start_cluster(lab: Lab) -> None:
    options = {
        "--block": str(lab.octet),
        "--directory": str(lab.directory / "cluster"),
        "--kubeconfig": str(lab.kubeconfig),
        "--images": str(lab.images),
        "--sts-endpoint": lab.aws,
    }
    child = processes.start("cluster", _module("lab.cluster", options), lab=lab.directory)
    _wait(child, "the lab cluster", lambda: _says_ready(lab, "cluster"), lab)


def _start_xray(lab: Lab) -> processes.Child:
    options = {"--port": lab.xray.rpartition(":")[2]}
    return processes.start("xray", _module("lab.telemetry.xray", options), lab=lab.directory)


def _start_vpc(lab: Lab) -> None:
    options = {
        "--block": str(lab.octet),
        "--directory": str(lab.directory / "vpc"),
        "--kubeconfig": str(lab.kubeconfig),
        "--aws-endpoint": lab.aws,
    }
    child = processes.start("vpc", _module("lab.vpc", options), lab=lab.directory)
    _wait(child, "the VPC's Envoy", lambda: _says_ready(lab, "vpc"), lab)


def _start_telemetry(lab: Lab) -> None:
    options = {"--kubeconfig": str(lab.kubeconfig), "--aws-endpoint": lab.aws}
    child = processes.start("telemetry", _module("lab.telemetry", options), lab=lab.directory)
    _wait(child, "the telemetry", lambda: _says_ready(lab, "telemetry"), lab)


def _module(name: str, options: Mapping[str, str]) -> list[str]:
    return [sys.executable, "-m", name, *(part for option in options.items() for part in option)]


def _says_ready(lab: Lab, name: str) -> bool:
    return "ready" in (lab.directory / "logs" / f"{name}.log").read_text().splitlines()


def _wait(child: processes.Child, what: str, ready: Callable[[], bool], lab: Lab) -> None:
    """Return when it is ready. Raises LabError when it ends first, or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    log = lab.directory / "logs" / f"{child.path.stem}.log"
    while not ready():
        status = child.popen.poll()
        if status is not None:
            raise LabError(f"start {what}: it ended with status {status}; its last words are in {log}")
        if time.monotonic() > deadline:
            raise LabError(f"start {what}: not ready after {READY_SECONDS:.0f} s; see {log}")
        time.sleep(0.02)  # the condition is another process's: there is nothing to be woken by


@contextmanager
def _timed(step: str, seconds: dict[str, float], say: Say) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[step] = time.monotonic() - started
    say(f"lab: {step} ready in {seconds[step]:.1f} s")
