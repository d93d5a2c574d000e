"""`python -m lab.telemetry` on the lab's own Kubernetes API, a real Envoy and MiniStack's CloudWatch."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lightkube import Client, KubeConfig
from lightkube.codecs import from_dict
from lightkube.resources.core_v1 import Pod

from tests.lab.cluster_api.support import served
from tests.lab.telemetry.conftest import Calling


def make_pod(kubeconfig: Path, ip: str) -> None:
    """The namespace `ns` of workshop `turma-01` with a running pod that has a sidecar, at this address."""
    client = Client(config=KubeConfig.from_file(kubeconfig), trust_env=False)
    labels = {"canario/workshop": "turma-01"}
    client.create(from_dict({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", "labels": labels}}))
    containers = [{"name": name, "image": name} for name in ("frontend-app", "envoy")]
    metadata = {"name": "frontend", "namespace": "ns"}
    client.create(
        from_dict({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}})
    )
    client.patch(Pod.Status, "frontend", {"status": {"phase": "Running", "podIP": ip}}, namespace="ns")
    client.close()


def total(cloudwatch: Any, metric: str) -> float:
    """The sum over the last minutes, of the node that is called."""
    named = {"Workshop": "turma-01", "Service": "nodejs", "Node": "nodejs-app"}
    found = cloudwatch.get_metric_statistics(
        Namespace="Canario/Mesh",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in named.items()],
        StartTime=datetime.now(UTC) - timedelta(minutes=3),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])


async def test_collects(cloudwatch: Any, calling: Calling, tmp_path: Path) -> None:
    """The calls of a pod that came after the collector are in CloudWatch, by the workshop's id, each once."""
    with served(tmp_path) as running:
        options = {
            "--kubeconfig": str(running.settings.kubeconfig),
            "--aws-endpoint": cloudwatch.meta.endpoint_url,
        }
        argv = [sys.executable, "-m", "lab.telemetry", *(part for option in options.items() for part in option)]
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"ready\n"
            make_pod(running.settings.kubeconfig, calling.block.pod(1))
            await calling.call(3)
            calling.backend.mode = "bad"
            await calling.call(2)
            while total(cloudwatch, "Requests") < 5:
                await asyncio.sleep(0.05)
        process.terminate()
        await process.communicate()

    assert (5.0, 2.0) == (total(cloudwatch, "Requests"), total(cloudwatch, "Errors"))
    assert process.returncode == 0
