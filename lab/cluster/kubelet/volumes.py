"""A pod's volumes: directories of its own, their files replaced all at once when the source changes.

As the real kubelet does it: the files are in a hidden directory, `..data` is a link to that, and each visible
name a link through `..data`; one rename of the link changes everything, and who looks at a file's inode sees it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.cluster.kubelet.environment import Lookup, content
from lab.cluster.kubelet.errors import ConfigError, VolumeError
from lab.cluster.kubelet.expansion import Mount
from lab.cluster.objects import Obj, dig, namespace_of

_SOURCES = {"configMap": ("configmaps", "name"), "secret": ("secrets", "secretName")}
_ALLOWED = "emptyDir, configMap, secret"
_DATA = "..data"


@dataclass(frozen=True)
class File:
    """What a file of a volume holds, and its permission bits."""

    content: bytes
    mode: int


Files = Mapping[str, File]  # by path relative to the volume


def source_of(volume: Obj) -> str:
    """`emptyDir`, `configMap`, …; a volume with none is an emptyDir, as in Kubernetes."""
    return next((key for key in volume if key != "name"), "emptyDir")


def is_supported(volume: Obj) -> bool:
    return source_of(volume) == "emptyDir" or source_of(volume) in _SOURCES


def refuse_unsupported(pod: Obj) -> None:
    """Raises VolumeError for the first volume that the lab cannot have: trying again would not help."""
    for volume in dig(pod, "spec", "volumes", default=[]):
        if not is_supported(volume):
            found = source_of(volume)
            raise VolumeError(f'volume "{volume["name"]}": {found} is not in the lab; allowed: {_ALLOWED}')


def files(pod: Obj, volume: Obj, lookup: Lookup) -> Files:
    """The files of a configMap or secret volume. Raises VolumeError when its source, or a key, is missing."""
    source = volume[source_of(volume)]
    kind, field = _SOURCES[source_of(volume)]
    name = source.get(field, "")
    obj = lookup(kind, namespace_of(pod), name)
    if obj is None:
        if source.get("optional"):
            return {}
        raise VolumeError(f'MountVolume.SetUp failed for volume "{volume["name"]}": {kind[:-1]} "{name}" not found')
    try:
        return _chosen(source, content(kind, obj), f'{kind[:-1]} "{name}"')
    except ConfigError as error:
        raise VolumeError(f'MountVolume.SetUp failed for volume "{volume["name"]}": {error.message}') from error


def _chosen(source: Obj, data: Mapping[str, bytes], where: str) -> Files:
    mode = source.get("defaultMode", 0o644)
    items = source.get("items")
    if not items:
        return {key: File(value, mode) for key, value in data.items()}
    missing = [item["key"] for item in items if item["key"] not in data]
    if missing and not source.get("optional"):
        raise VolumeError(f"{where} has no key {missing[0]!r}; it has: {', '.join(sorted(data)) or 'none'}")
    return {
        _inside(item["path"]): File(data[item["key"]], item.get("mode", mode)) for item in items if item["key"] in data
    }


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in Path(path).parts:
        raise VolumeError(f"items[].path: {path!r} is not allowed; allowed: a relative path without `..`")
    return path


def write(directory: Path, wanted: Files) -> bool:
    """Make `directory` hold exactly these files, in one step. Returns whether anything changed."""
    if _read(directory) == wanted:
        return False
    fresh = directory / f"..{uuid.uuid4().hex[:12]}"
    for name, file in wanted.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)
    fresh.mkdir(parents=True, exist_ok=True)
    old = _link_target(directory)
    link = directory / "..data_new"
    link.symlink_to(fresh.name)
    os.replace(link, directory / _DATA)
    _link_names(directory, {Path(name).parts[0] for name in wanted})
    if old:
        shutil.rmtree(directory / old, ignore_errors=True)
    return True


def _link_target(directory: Path) -> str:
    data = directory / _DATA
    return os.readlink(data) if data.is_symlink() else ""


def _read(directory: Path) -> Files | None:
    root = directory / _DATA
    if not root.is_dir():
        return None
    found = [path for path in root.resolve().rglob("*") if path.is_file()]
    return {str(p.relative_to(root.resolve())): File(p.read_bytes(), p.stat().st_mode & 0o777) for p in found}


def _link_names(directory: Path, names: set[str]) -> None:
    present = {path.name for path in directory.iterdir() if path.is_symlink() and path.name != _DATA}
    for name in names - present:
        (directory / name).symlink_to(Path(_DATA) / name)
    for name in present - names:
        (directory / name).unlink()


class Volumes:
    """The volumes of one pod, below `directory`."""

    def __init__(self, directory: Path, lookup: Lookup) -> None:
        self._directory = directory
        self._lookup = lookup

    def refresh(self, pod: Obj) -> None:
        """Make every volume what the API says now. Raises VolumeError; volumes written before stay as they are."""
        refuse_unsupported(pod)
        for volume in dig(pod, "spec", "volumes", default=[]):
            directory = self._directory / volume["name"]
            directory.mkdir(parents=True, exist_ok=True)
            if source_of(volume) == "secret":
                directory.chmod(0o700)  # whatever the files' own mode: other users of this machine are no containers
            if source_of(volume) in _SOURCES:
                write(directory, files(pod, volume, self._lookup))

    def mounts(self, container: Obj) -> Sequence[Mount]:
        return [
            Mount(mount["mountPath"], self._directory / mount["name"] / mount.get("subPath", ""))
            for mount in container.get("volumeMounts") or []
        ]
