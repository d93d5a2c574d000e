"""The collector's image: where it is, what it is made from, how it is built (apps/collector/Dockerfile)."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from stacks.constructs.image_tag import TAG_LENGTH

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "canario/collector"
# CodeBuild's name of a source → the folder.
SOURCES: Mapping[str, Path] = {"collector": ROOT / "apps" / "collector", "canario": ROOT / "canario"}
PREPARE = "cp -r $CODEBUILD_SRC_DIR_canario $CODEBUILD_SRC_DIR_collector/canario"
CONTEXT = "$CODEBUILD_SRC_DIR_collector"


def collector_tag() -> str:
    """The digest of all that is in the image."""
    digest = hashlib.sha256()
    for part in _parts():
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:TAG_LENGTH]


def _parts() -> Iterator[bytes]:
    for name, folder in SOURCES.items():
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and _counts(path)):
            yield f"{name}/{path.relative_to(folder)}".encode()
            yield path.read_bytes()


def _counts(path: Path) -> bool:
    return path.suffix != ".pyc" and path.name not in ("README.md", "requirements.in")
