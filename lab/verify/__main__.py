"""`python -m lab.verify NAMESPACE`: what `canario migrate --verify` calls, with the manifests as JSON on standard
input. NAMESPACE is that of objects that name none.

Exit status: 0 when every request is answered the same, 1 when one is not, 2 when the input cannot be read.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from canario.errors import InvalidInput
from canario.mesh.migration import Document, migrate
from canario.mesh.model import Mesh
from lab.errors import LabError
from lab.verify.asked import requests
from lab.verify.run import compared


def main(argv: Sequence[str]) -> int:
    try:
        meshes = migrate(_documents(sys.stdin.read()), argv[0]).meshes
        with tempfile.TemporaryDirectory(prefix="canario-verify-") as directory:
            return max([_verified(mesh, Path(directory) / str(at)) for at, mesh in enumerate(meshes)], default=0)
    except InvalidInput as error:
        _say(f"canario: {error}")
        return 2
    except LabError as error:
        _say(f"canario: {error}")
        return 1


def _documents(text: str) -> list[Document]:
    try:
        manifests = json.loads(text)
    except ValueError as error:
        raise InvalidInput("standard input", text[:40], f"a JSON list of manifests ({error})") from error
    return [Document("stdin", number, each, lambda _: 1) for number, each in enumerate(manifests, start=1)]


def _verified(mesh: Mesh, directory: Path) -> int:
    for side in ("before", "after"):
        (directory / side).mkdir(parents=True)
    asked, left = requests(mesh)
    differences = asyncio.run(compared(mesh, asked, directory))
    for difference in differences:
        _say(f"verify: {difference}")
    for each in left:
        _say(f"verify: not asked: {each}")
    same = len(asked) - len(differences)
    _say(f"canario: mesh {mesh.name}: {len(asked)} requests, {same} answered the same, {len(differences)} differently")
    if not asked and left:
        _say(f"canario: mesh {mesh.name}: nothing is compared; allowed: a mesh with a route that can be asked")
    return 1 if differences or (left and not asked) else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
