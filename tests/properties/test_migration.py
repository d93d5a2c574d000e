"""Whatever is in App Mesh documents, migrating them ends with manifests and findings, never with an error."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from canario.mesh import appmesh, gateway
from canario.mesh.migration import Document, Level, migrate
from canario.mesh.model import Mesh
from tests.properties.mesh_strategies import meshes
from tests.unit.mesh.schemas import refused

frugal = settings(deadline=None, max_examples=15, phases=[p for p in Phase if p is not Phase.shrink])
JUNK = (None, "", "x", -1, 0, {}, [], [None], {"a": 1}, True, "${X}", 3.5, ["x"], {"name": None})
Path = tuple[Any, ...]


@frugal
@given(meshes)
def test_what_app_mesh_takes_goes_through(mesh: Mesh) -> None:
    """No document of a mesh that App Mesh takes is refused, and every manifest that it becomes is valid."""
    done = migrate(_documents(appmesh.render(mesh)))
    made = [manifest for each in done.replaced for manifest in each or ()]

    assert [] == [str(finding) for finding in done.findings if finding.level is Level.REFUSED]
    assert [] == [trouble for manifest in [*made, *done.more] for trouble in refused(manifest)]


@frugal
@given(meshes)
def test_notes_keep_the_mesh_of_the_documents(mesh: Mesh) -> None:
    """What is written for a mesh is read back as that mesh, with App Mesh's own timeouts said."""
    (found,) = migrate(_documents(appmesh.render(mesh))).meshes

    assert found == gateway.parse(gateway.render(found))


@frugal
@given(meshes, st.integers(0, 2**32))
def test_broken_documents_are_findings(mesh: Mesh, seed: int) -> None:
    """Documents with anything in any place never end in an error, and who is refused is said, once each."""
    chance = random.Random(seed)
    manifests = [_broken(each, chance) for each in appmesh.render(mesh)]
    done = migrate(_documents(manifests))

    assert len(manifests) == len(done.replaced)
    assert len(done.refused) == sum(finding.level is Level.REFUSED for finding in done.findings)


def _documents(manifests: list[dict[str, Any]]) -> list[Document]:
    return [Document("mesh.yaml", line, each, lambda _: 1) for line, each in enumerate(manifests, start=1)]


def _broken(manifest: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    changed = copy.deepcopy(manifest)
    for _ in range(chance.randint(0, 3)):
        *way, last = chance.choice([path for path in _paths(changed) if path and path[0] != "apiVersion"])
        place: Any = changed
        for step in way:
            place = place[step]
        if chance.random() < 0.3:
            del place[last]
        else:
            place[last] = copy.deepcopy(chance.choice(JUNK))
    return changed


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from _paths(inner, (*path, step))
