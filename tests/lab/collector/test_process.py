"""`python -m apps.collector` on the lab's Kubernetes API, a proxy that answers as Istio's would, and MiniStack."""

import asyncio
import base64
import json
import os
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from lightkube import Client, KubeConfig
from lightkube.codecs import from_dict
from lightkube.resources.core_v1 import Pod

from canario.adapters.kubernetes import Api, from_kubeconfig
from lab import boto
from lab.net import free_port
from lab.state import REGION
from stacks.constructs.charts import GATEWAY_API
from tests.istio_text import IstioProxy, Series
from tests.lab.cluster_api.support import Running, served
from tests.ministack import ministack
from tests.unit.collector.objects import routes

IP = "127.0.0.1"


def service_account(running: Running, directory: Path) -> Path:
    """What a pod finds of its service account."""
    [cluster] = yaml.safe_load(running.settings.kubeconfig.read_text())["clusters"]
    directory.mkdir()
    (directory / "token").write_text(running.token)
    (directory / "ca.crt").write_bytes(base64.b64decode(cluster["cluster"]["certificate-authority-data"]))
    return directory


def make_workshop(api: Api) -> None:
    """The namespace with its routes and no pod yet."""
    for path in sorted((GATEWAY_API).rglob("*.yaml")):
        for each in yaml.safe_load_all(path.read_text()):
            if each and each.get("kind") == "CustomResourceDefinition" and "httproutes" in each["metadata"]["name"]:
                api.apply(each)
    labels = {"canario/workshop": "turma-01"}
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", "labels": labels}})
    for route in routes():
        api.apply(route)


def make_pod(kubeconfig: Path) -> None:
    """It runs at this machine's own address."""
    containers = [{"name": name, "image": name} for name in ("frontend-app", "istio-proxy")]
    metadata = {"name": "frontend", "namespace": "ns"}
    with closing(Client(config=KubeConfig.from_file(kubeconfig), trust_env=False)) as client:
        client.create(
            from_dict({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}})
        )
        client.patch(Pod.Status, "frontend", {"status": {"phase": "Running", "podIP": IP}}, namespace="ns")


def total(cloudwatch: Any, metric: str, node: str) -> float | None:
    """The sum over the last minutes; None where nothing was put."""
    named = {"Workshop": "turma-01", "Service": "nodejs", "Node": node}
    found = cloudwatch.get_metric_statistics(
        Namespace="Canario/Mesh",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in named.items()],
        StartTime=datetime.now(UTC) - timedelta(minutes=3),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"]) if found["Datapoints"] else None


async def told(cloudwatch: Any, metric: str, node: str, at_least: float) -> None:
    """Return when the metric's sum has come so far."""
    async with asyncio.timeout(20):
        while (await asyncio.to_thread(total, cloudwatch, metric, node) or -1.0) < at_least:
            await asyncio.sleep(0.05)


async def serve(application: web.Application) -> tuple[web.AppRunner, int]:
    port, runner = free_port(), web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, IP, port).start()
    return runner, port


async def test_collects(tmp_path: Path) -> None:
    """What a pod's proxy tells is in CloudWatch by the contract, each request once, the last ones after SIGTERM; the
    node that nobody called has zeros, and the process says that it is well."""
    proxy = IstioProxy(uptime=0)

    async def statistics(_: web.Request) -> web.Response:
        return web.Response(text=proxy.text())

    application = web.Application()
    application.add_routes([web.get("/stats/prometheus", statistics)])
    runner, port = await serve(application)
    health = free_port()
    with (
        served(tmp_path) as running,
        ministack(tmp_path, ["cloudwatch"]) as endpoint,
        closing(boto.client(endpoint, "cloudwatch")) as cloudwatch,
    ):
        with from_kubeconfig(running.settings.kubeconfig) as api:
            await asyncio.to_thread(make_workshop, api)
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "HEALTH_PORT": str(health),
            "HOST": IP,
            "KUBERNETES_API": running.url,
            "PROXY_PORT": str(port),
            "SCRAPE_SECONDS": "1",
            "SERVICE_ACCOUNT": str(service_account(running, tmp_path / "account")),
            "WINDOW_SECONDS": "1",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "apps.collector"), env=environment, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(20):
                begun = json.loads(await process.stdout.readline())
            await asyncio.to_thread(make_pod, running.settings.kubeconfig)
            proxy.series = [
                Series("nodejs-app", times=(3.0,) * 5),
                Series("nodejs-app", 503, "UF,URX", times=(9.0, 9.0)),
            ]
            await told(cloudwatch, "Requests", "nodejs-app", 7)
            async with aiohttp.ClientSession() as session, session.get(f"http://{IP}:{health}/health") as response:
                well = response.status
            proxy.series = [*proxy.series, Series("nodejsv2-app", 500, times=(30.0,) * 4)]
        finally:
            process.terminate()
            rest, _ = await process.communicate()
        counted = {
            (metric, node): total(cloudwatch, metric, node)
            for metric in ("Requests", "Errors")
            for node in ("nodejs-app", "nodejsv2-app")
        }
    await runner.cleanup()

    assert begun["message"] == "collecting"
    assert well == 200
    assert counted == {
        ("Requests", "nodejs-app"): 7,
        ("Errors", "nodejs-app"): 2,
        ("Requests", "nodejsv2-app"): 4,
        ("Errors", "nodejsv2-app"): 4,
    }
    assert process.returncode == 0
    assert {"turma-01"} == {each["workshop"] for each in map(json.loads, rest.splitlines()) if "workshop" in each}
