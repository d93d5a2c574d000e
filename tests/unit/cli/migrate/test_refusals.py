"""Documents that are broken, in part or whole."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.unit.cli.migrate.shop import SHOP


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param("apiVersion: appmesh.k8s.aws/v1beta2\nkind: [Mesh\n", 3, "YAML", id="no YAML"),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: {name: '{{ .Values.mesh }}'}\n",
            3,
            "fill it in first",
            id="a template",
        ),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1\nkind: Mesh\nmetadata: {name: m}\n", 1, "v1beta2", id="another version"
        ),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualService\nmetadata: {name: x, namespace: shop}\n"
            "spec:\n  awsName: x\n  provder: {}\n",
            6,
            "spec.provder",
            id="an unknown field",
        ),
        pytest.param("apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata:\n", 3, "metadata.name", id="no name"),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: BackendGroup\nmetadata: {name: b, namespace: shop}\n---\n"
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: BackendGroup\nmetadata: {name: b, namespace: shop}\n",
            5,
            "it is there already, at in/b.yaml:1",
            id="twice there",
        ),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualRouter\nmetadata: {name: x, namespace: shop}\n"
            "spec: {listeners: [{portMapping: {port: high, protocol: http}}]}\n",
            4,
            "spec.listeners[0].portMapping.port",
            id="no number",
        ),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualRouter\nmetadata: {name: x, namespace: shop}\nspec:\n"
            "  routes:\n  - name: r\n    httpRoute:\n      match: {prefix: /}\n      action:\n"
            "        weightedTargets:\n        - virtualNodeRef: {name: web}\n          weight: 101\n",
            12,
            "spec.routes[0].httpRoute.action.weightedTargets[0].weight: 101 is not allowed here; allowed: at most 100",
            id="a number too large",
        ),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualRouter\nmetadata: {name: x, namespace: shop}\nspec:\n"
            "  routes:\n  - name: r\n    httpRoute:\n      match: {prefix: /}\n      action: {weightedTargets: []}\n",
            9,
            "weightedTargets: [] is not allowed here; allowed: at least 1 of them",
            id="an empty list",
        ),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: {name: x}\nSpec: {}\n",
            4,
            "Spec: {} is not allowed here; allowed: apiVersion, kind, metadata, spec, status",
            id="an unknown field of the whole",
        ),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualService\nmetadata:\n  name: Shop_Web\n",
            4,
            "metadata.name: 'Shop_Web' is not allowed here; allowed: a-z, 0-9",
            id="a name that no cluster takes",
        ),
        pytest.param(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Sidecar\nmetadata: {name: x}\n",
            2,
            "kind: Sidecar is no kind of App Mesh's; allowed: Mesh, VirtualNode",
            id="a kind of its group that it does not have",
        ),
    ],
)
def test_a_broken_document_is_one_line_and_stops_no_other(run, text: str, line: int, says: str) -> None:
    """It is refused with its file and line; the others are migrated; the status is 1."""
    result = run(a=SHOP, b=text)

    (found,) = [each for each in result.lines if ": refused: " in each]
    assert found.startswith(f"in/b.yaml:{line}: refused: ")
    assert says in found
    assert 1 == result.status
    assert ["Namespace", "Sidecar", "Service", "HTTPRoute", "Service"] == [each["kind"] for each in result.manifests]
    assert "# canario: not migrated: " in result.out


def test_a_dangling_reference_is_noted(run) -> None:
    """A route to a node that is not there is migrated, and said: the node may be in the cluster."""
    result = run(shop=SHOP.replace("virtualNodeRef: {name: web}", "virtualNodeRef: {name: gone}"))

    (line,) = result.lines
    assert "note: VirtualRouter shop/web: its route all sends to node shop/gone, which is not in mesh shop" in line


def test_a_file_that_is_no_text_stops_no_other(run) -> None:
    """It is refused when it speaks of App Mesh, and noted otherwise."""
    Path("in").mkdir()
    Path("in/latin.yaml").write_bytes("# App Mesh caf\xe9: appmesh.k8s.aws".encode("latin-1"))
    Path("in/picture.yaml").write_bytes(bytes(range(128, 256)))
    result = run(shop=SHOP)

    assert 1 == result.status
    assert (
        "in/latin.yaml:1: refused: document: 'byte 0xe9 at 14' is not allowed here; allowed: text in UTF-8"
        in result.lines
    )
    assert any(line.startswith("in/picture.yaml:1: note: ") for line in result.lines)
    assert "HTTPRoute" in result.out


def test_line_ends_and_marks_of_other_systems_are_read(run) -> None:
    """A byte order mark, and lines that end as Windows has them; other objects keep theirs."""
    Path("in").mkdir()
    text = dedent(SHOP) + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
    Path("in/windows.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    run("in", "--output", "out")

    assert b"\r\nkind: ConfigMap\r\n" in Path("out/windows.yaml").read_bytes()
    assert b"HTTPRoute" in Path("out/windows.yaml").read_bytes()
