"""The chart repository `eks` as the lab has it: the document's helm commands work as typed, without a download.

Helm's own files below `.lab/helm` say that the repository is known, under its real address; its index names one
chart, `appmesh-controller` (lab/charts), which lies in a bucket of MiniStack's.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import yaml

from lab.state import REGION

BUCKET = "eks-charts"
_REPOSITORY = {"name": "eks", "url": "https://aws.github.io/eks-charts"}
_CHART = Path(__file__).with_name("charts") / "appmesh-controller"


def environment(lab: Path) -> dict[str, str]:
    """Where helm keeps its files: below the lab's, not in the home directory."""
    return {f"HELM_{kind.upper()}_HOME": str(lab / "helm" / kind) for kind in ("cache", "config", "data")}


def publish(s3: Any, lab: Path, endpoint: str) -> None:
    """Put the chart into the bucket, and helm's files below `lab`. `s3` is a boto3 client."""
    about = yaml.safe_load((_CHART / "Chart.yaml").read_text())
    file = f"{about['name']}-{about['version']}.tgz"
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=BUCKET, Key=file, Body=_packed(_CHART))
    entry = {**about, "urls": [f"{endpoint}/{BUCKET}/{file}"]}
    _write(lab / "helm/cache/repository/eks-index.yaml", {"apiVersion": "v1", "entries": {about["name"]: [entry]}})
    _write(lab / "helm/config/repositories.yaml", {"apiVersion": "", "repositories": [_REPOSITORY]})


def _packed(chart: Path) -> bytes:
    """The chart as helm packs it, with the CRDs that it links to."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", dereference=True) as archive:
        archive.add(chart, chart.name)
    return packed.getvalue()


def _write(path: Path, content: dict[str, Any]) -> None:
    """JSON is YAML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
