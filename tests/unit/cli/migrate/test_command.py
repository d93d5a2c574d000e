"""The command: its options, where it reads from and writes to."""

from __future__ import annotations

import io
import json
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from canario.cli import migrate
from canario.cli.command import COMMANDS
from canario.errors import InvalidInput
from tests.unit.cli.migrate.shop import SHOP, SHOP_MESH, with_retries


def test_strict_makes_a_loss_an_error(run) -> None:
    """With --strict a loss ends with status 1, and nothing is written."""
    result = run("in", "--strict", shop=with_retries())

    assert (1, "") == (result.status, result.out)


def test_the_lab_is_asked_with_what_makes_the_mesh(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """--verify hands it the documents that were not refused, whatever else is among them."""
    asked: list[str] = []

    def ask(command: list[str], *, input: str, **_: Any) -> SimpleNamespace:
        asked.append(input)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr("subprocess.run", ask)
    odd = "kind: Pod\nspec: {image: {{IMAGE}}}\n"
    run("in", "--verify", a=SHOP, b=odd, c=f"{SHOP_MESH.replace('shop', 'other')}\nspec: {{unknown: 1}}\n")

    kinds = [each["kind"] for each in json.loads(asked[0])]
    assert ["Namespace", "Mesh", "VirtualNode", "VirtualRouter", "VirtualService"] == kinds


def test_folders_with_things_of_one_name_are_meshes_of_their_own(run) -> None:
    """As dev and prod are: nothing is refused, each knows only of its own, and a line says so."""
    for folder in ("dev", "prod"):
        Path("in", folder).mkdir(parents=True)
        mesh, _, rest = dedent(SHOP).replace("weight: 1}", f"weight: {len(folder)}}}").partition("---\n# the only node")
        Path("in", folder, "mesh.yaml").write_text(mesh)
        Path("in", folder, "web.yaml").write_text(rest)
    result = run("in", "--output", "out")
    routes = [
        each
        for folder in ("dev", "prod")
        for each in yaml.safe_load_all(Path("out", folder, "web.yaml").read_text())
        if each["kind"] == "HTTPRoute"
    ]

    assert 0 == result.status
    assert [3, 4] == [route["spec"]["rules"][0]["backendRefs"][0]["weight"] for route in routes]
    (line,) = result.lines
    assert "note: folder: things of one name are in several files: 2 groups" in line


def test_plain_output_has_no_annotations(run) -> None:
    """With --plain nothing of Canario's is in the manifests."""

    assert "canario/" in run("in", shop=SHOP).out
    assert "canario/" not in run("in", "--plain").out


def test_files_keep_their_names(run) -> None:
    """With --output each file is written under its own name, and the names are printed."""
    result = run("in", "--output", "out", shop=SHOP, other="apiVersion: v1\nkind: ConfigMap\n")

    assert ["out/other.yaml", "out/shop.yaml"] == result.out.splitlines()
    assert "apiVersion: v1\nkind: ConfigMap\n" == Path("out/other.yaml").read_text()
    assert "HTTPRoute" in Path("out/shop.yaml").read_text()


def test_standard_input_is_read(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is standard input, and findings call it so."""
    monkeypatch.setattr("sys.stdin", io.StringIO(dedent(with_retries())))
    result = run("-")

    assert result.lines[0].startswith("stdin:")
    assert "HTTPRoute" in result.out


def test_a_place_that_is_not_there_is_refused(run) -> None:
    """With its name, and what is allowed."""

    with pytest.raises(InvalidInput, match="DIR: 'nowhere' is not allowed"):
        run("nowhere")


def test_the_command_is_there() -> None:
    """`canario migrate` is one of the commands."""

    assert migrate in COMMANDS
