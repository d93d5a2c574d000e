"""The lab's images: programs of this machine that go by the name of an image (`images.json`, docs/contracts.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.cluster.kubelet.errors import ImageError


@dataclass(frozen=True)
class Image:
    """What stands for an image: the program and its environment."""

    repository: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def repository(reference: str) -> str:
    """`host.example:5000/canario/nodejs:latest` → `canario/nodejs`."""
    path = reference.partition("@")[0]
    first, slash, rest = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        path = rest
    head, slash, last = path.rpartition("/")
    return head + slash + last.partition(":")[0]


def find(images: Sequence[Image], reference: str) -> Image:
    """The image of this repository path, or of its last component. Raises ImageError."""
    path = repository(reference)
    by_name = {image.repository: image for image in images}
    found = by_name.get(path) or by_name.get(path.rpartition("/")[2])
    if found:
        return found
    known = ", ".join(sorted(by_name)) or "none"
    raise ImageError(f'image "{reference}": the lab has no program for {path!r}; there are: {known}')


def parse(text: str) -> tuple[Image, ...]:
    """The images of an `images.json`. Raises ValueError, KeyError or TypeError when it has another form."""
    return tuple(
        Image(
            entry["repository"],
            tuple(map(str, entry["argv"])),
            {k: str(v) for k, v in entry.get("env", {}).items()},
        )
        for entry in json.loads(text)
    )


class Images:
    """`images.json`, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._images: tuple[Image, ...] = ()

    def find(self, reference: str) -> Image:
        """Raises ImageError."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                self._images, self._stamp = parse(self._path.read_text()), stamp
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ImageError(f'image "{reference}": cannot read {self._path.name}: {error!r}') from error
        return find(self._images, reference)
