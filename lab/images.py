"""The lab's images: what program each one is, and their place in ECR.

An image of the lab is a program of this checkout with an environment (`images.json`, docs/contracts.md). What
is pushed to ECR is a manifest whose digest changes when the program's bytes do, as a real image's does; the
layers themselves stay here.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lab.errors import LabError

REPOSITORIES = ("canario/frontend", "canario/nodejs", "canario/nodejs-v2", "canario/crystal")
TAG = "latest"

_ROOT = Path(__file__).resolve().parents[1]
_DEMO = _ROOT / "apps" / "demo" / "demo.py"
_COLORS = _DEMO.with_name("colours.py")
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"

Image = dict[str, Any]  # one entry of images.json


def table(
    python: str, *, v2_error_rate: float, mesh_directory: Path, vpc: str, xray: str = "", aws: str = ""
) -> list[Image]:
    """The content of images.json. `python` runs the programs; `vpc` is the VPC Envoy's address, `xray` X-Ray's URL,
    `aws` MiniStack's.

    The second nodejs answers `v2_error_rate` of its requests with an error. The document's own image names
    are among them: `app-mesh-lab-partner` is its nodejs. So are those of the public App Mesh walkthroughs.
    """
    broken = {"ERROR_RATE": f"{v2_error_rate:g}"}
    mesh = {"LAB_MESH_DIR": str(mesh_directory), "LAB_VPC": vpc, "PYTHONPATH": str(_ROOT)}
    daemon = {"AWS_ENDPOINT_URL_XRAY": xray, "PYTHONPATH": str(_ROOT)}
    return [
        _demo("canario/frontend", python, "frontend", "v1"),
        _demo("canario/nodejs", python, "nodejs", "v1"),
        _demo("canario/nodejs-v2", python, "nodejs", "v2", broken),
        _demo("canario/crystal", python, "crystal", "v1"),
        _demo("app-mesh-lab-partner", python, "nodejs", "v1"),
        _demo("nodejs-v2", python, "nodejs", "v2", broken),
        *_walkthroughs(python),
        _image("appmesh-controller", [python, "-m", "lab.mesh"], {**mesh, "LAB_AWS": aws}),
        _image("aws-appmesh-envoy", [python, "-m", "lab.mesh.sidecar"], mesh),
        _image("aws-xray-daemon", [python, "-m", "lab.telemetry.xray.daemon"], daemon),
    ]


def _walkthroughs(python: str) -> list[Image]:
    """What the public App Mesh walkthroughs run: their front, their colours, and the clients that people type into."""
    colors = {
        "feapp": {},
        "colorapp": {},
        "howto-k8s-retry-policy/colorapp": {"FAIL_RATE": "0.5"},
        "howto-k8s-timeout-policy/colorapp": {"DELAY_S": "45"},
    }
    idle = [python, "-c", "import signal; signal.pause()"]
    return [
        *(_image(repository, [python, str(_COLORS)], env) for repository, env in colors.items()),
        *(_image(repository, idle, {}) for repository in ("tutum/curl", "curlimages/curl", "vegeta", "fortio/fortio")),
    ]


def _demo(repository: str, python: str, service: str, version: str, more: Mapping[str, str] | None = None) -> Image:
    return _image(repository, [python, str(_DEMO)], {"SERVICE": service, "VERSION": version, **(more or {})})


def _image(repository: str, argv: list[str], env: Mapping[str, str]) -> Image:
    return {"repository": repository, "argv": argv, "env": dict(env)}


def push(ecr: Any, repositories: Iterable[str]) -> dict[str, str]:
    """Put an image with the tag `latest` into each of these repositories; repository → digest.

    `ecr` is a boto3 client. Doing it again changes nothing while the program is the same. Raises LabError.
    """
    return {repository: _put(ecr, repository, manifest(repository, _DEMO.read_bytes())) for repository in repositories}


def manifest(repository: str, program: bytes) -> str:
    """An OCI image manifest of one layer, the program; the same text for the same bytes."""
    layer = _descriptor(_LAYER, program)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"canario/repository": repository}},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    content = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _descriptor(_CONFIG, json.dumps(config, sort_keys=True).encode()),
        "layers": [layer],
    }
    return json.dumps(content, sort_keys=True)


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _put(ecr: Any, repository: str, text: str) -> str:
    try:
        ecr.put_image(repositoryName=repository, imageManifest=text, imageManifestMediaType=_MANIFEST, imageTag=TAG)
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] != "ImageAlreadyExistsException":  # ECR's word for a push that changes nothing
            raise LabError(f"push {repository}:{TAG}: ECR said {said['Code']}: {said['Message']}") from error
    return _digest(text.encode())
