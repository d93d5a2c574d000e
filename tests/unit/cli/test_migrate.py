"""`canario migrate`: what a person gets for a folder of App Mesh manifests, and where the findings point."""

from __future__ import annotations

import io
import json
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from canario.cli import migrate
from canario.cli.command import COMMANDS
from canario.cli.kinds import Unmet
from canario.errors import InvalidInput
from tests.unit.mesh.schemas import refused

SHOP = """\
    # The shop.
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop  # all of it
      labels:
        mesh: shop
        appmesh.k8s.aws/sidecarInjectorWebhook: enabled
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: Mesh
    metadata: {name: shop}
    spec: {namespaceSelector: {matchLabels: {mesh: shop}}}
    ---
    # the only node
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualNode
    metadata: {name: web, namespace: shop}
    spec:
      podSelector: {matchLabels: {app: web}}
      listeners: [{portMapping: {port: 8080, protocol: http}}]  # as the pods do
      serviceDiscovery: {dns: {hostname: web-v1.shop.svc.cluster.local}}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualRouter
    metadata: {name: web, namespace: shop}
    spec:
      listeners: [{portMapping: {port: 8080, protocol: http}}]
      routes:
        - name: all
          httpRoute:
            match: {prefix: /}
            action: {weightedTargets: [{virtualNodeRef: {name: web}, weight: 1}]}
    ---
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualService
    metadata: {name: web, namespace: shop}
    spec: {provider: {virtualRouter: {virtualRouterRef: {name: web}}}}
    """
SHOP_MESH = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata:\n  name: shop"
RETRIES = """\
            retryPolicy:
              maxRetries: 1
              perRetryTimeout: {unit: s, value: 1}
              httpRetryEvents: [server-error]
"""


@dataclass
class Run:
    status: int
    out: str
    lines: list[str]  # on standard error, the summary aside
    summary: str

    @property
    def manifests(self) -> list[dict[str, Any]]:
        return [each for each in yaml.safe_load_all(self.out) if each]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **files: str) -> Run:
        for name, text in files.items():
            Path("in").mkdir(exist_ok=True)
            Path("in", f"{name}.yaml").write_text(dedent(text))
        parser = ArgumentParser()
        migrate.add(parser.add_subparsers())
        parsed = parser.parse_args(["migrate", *(arguments or ("in",))])
        status, lines = 0, []
        try:
            for line in parsed.run(parsed, None):
                lines.append(line)
        except Unmet:
            status = 1
        *findings, summary = capsys.readouterr().err.splitlines()
        return Run(status, "\n".join(lines), findings, summary)

    return run


def test_a_mesh_becomes_objects_that_their_crds_take(run) -> None:
    """App Mesh's documents are replaced in their places, and nothing is lost of a plain mesh."""
    result = run(shop=SHOP)

    assert (0, []) == (result.status, result.lines)
    assert ["Namespace", "Sidecar", "Service", "HTTPRoute", "Service"] == [each["kind"] for each in result.manifests]
    assert [] == [trouble for each in result.manifests for trouble in refused(each)]
    assert "canario: 5 documents, 4 of App Mesh" == result.summary


def test_comments_and_labels_stay(run) -> None:
    """A Namespace keeps its comments and gets Istio's label; a node's comments stand above what it became."""
    out = run(shop=SHOP).out

    assert out.startswith("# The shop.\napiVersion: v1\n")
    assert "  name: shop  # all of it\n" in out
    assert "    istio-injection: enabled\n" in out
    assert "sidecarInjectorWebhook" not in out
    assert "---\n# the only node\n# as the pods do\napiVersion: v1\nkind: Service\n" in out


def test_other_objects_pass_untouched(run) -> None:
    """What is not App Mesh's keeps every byte of its text."""
    text = "apiVersion: v1\nkind: ConfigMap   # odd\nmetadata: { name:  x }\ndata:\n    a:   'b'\n"

    assert f"---\n{text}" in run(a=SHOP, b=text).out + "\n"


def test_routes_get_app_meshs_timeout(run) -> None:
    """App Mesh gives a request 15 s where nothing is said, Istio any time: so it is said."""
    (route,) = [each for each in run(shop=SHOP).manifests if each["kind"] == "HTTPRoute"]

    assert {"request": "15s"} == route["spec"]["rules"][0]["timeouts"]


def test_what_is_lost_is_said_with_its_line(run) -> None:
    """A field without an equal is named with file, line, path and what to do; the rest is migrated."""
    result = run(shop=_with_retries())

    (line,) = result.lines
    number = dedent(_with_retries()).splitlines().index("        retryPolicy:") + 1
    assert line.startswith(
        f"in/shop.yaml:{number}: lost: VirtualRouter shop/web: spec.routes[0].httpRoute.retryPolicy: "
    )
    assert 0 == result.status
    assert "1 lost" in result.summary


def test_strict_makes_a_loss_an_error(run) -> None:
    """With --strict a loss ends with status 1, and nothing is written."""
    result = run("in", "--strict", shop=_with_retries())

    assert (1, "") == (result.status, result.out)


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


def test_placeholders_stay_and_are_said_once(run) -> None:
    """`${NAME}` goes through as it is, with one line for the file."""
    document = (
        "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualService\nmetadata:\n  name: {}\n"
        "  namespace: ${{NS}}\nspec:\n  awsName: {}.${{NS}}.svc.cluster.local\n"
    )
    result = run(shop="\n---\n".join([SHOP_MESH, document.format("a", "a"), document.format("b", "b")]))

    (line,) = [each for each in result.lines if "${NS}" in each and ": note: " in each and "stays" in each]
    assert line.startswith("in/shop.yaml:10: note: file: ${NS} stays as it is")
    assert {"${NS}"} == {each["metadata"]["namespace"] for each in result.manifests}


def test_a_service_that_is_there_is_kept(run) -> None:
    """A Service of a node's name is taken as it is, and what it lacks for the routes is said."""
    there = "apiVersion: v1\nkind: Service\nmetadata: {name: web-v1, namespace: shop}\nspec: {selector: {app: web}}\n"
    result = run(a=SHOP, b=there)

    assert 1 == sum(each["metadata"]["name"] == "web-v1" for each in result.manifests)
    (line,) = result.lines
    assert "in/b.yaml:4: lost: Service shop/web-v1: spec.ports: routes send to its port 8080" in line


NODE = """\
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  listeners: [{portMapping: {port: 8080, protocol: http}, outlierDetection: {maxServerErrors: 5, maxEjectionPercent: 50,
    interval: {unit: s, value: 10}, baseEjectionDuration: {unit: s, value: 10}}}]
  serviceDiscovery: {awsCloudMap: {namespaceName: shop.local, serviceName: api}}
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualService
metadata: {name: api, namespace: shop}
spec: {provider: {virtualNode: {virtualNodeRef: {name: api}}}}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: SPEC
"""


def test_a_service_without_the_nodes_pods_stays_a_name(run) -> None:
    """Calls of it go to a Service of the node's own: what App Mesh found by Cloud Map, that Service does not."""
    result = run(a=NODE.replace("SPEC", "{ports: [{port: 8080}]}"))
    (route,) = [each for each in result.manifests if each["kind"] == "HTTPRoute"]
    (own,) = [each for each in result.manifests if each["kind"] == "Service" and each["spec"].get("selector")]

    assert [] == [line for line in result.lines if ": lost: " in line]
    assert ("api-node", {"app": "api"}) == (own["metadata"]["name"], own["spec"]["selector"])
    assert ["api"] == [parent["name"] for parent in route["spec"]["parentRefs"]]
    assert ["api-node"] == [backend["name"] for backend in route["spec"]["rules"][0]["backendRefs"]]


def test_routes_go_by_the_services_own_port(run) -> None:
    """A Service that leads from another port to the node's is called, and given policies, at that port."""
    there = "apiVersion: v1\nkind: Service\nmetadata: {name: web-v1, namespace: shop}\n"
    ports = "spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080, name: http}]}\n"
    pool = "listeners: [{connectionPool: {http: {maxConnections: 5}}, portMapping"
    result = run(a=SHOP.replace("listeners: [{portMapping", pool, 1), b=there + ports)
    (route,) = [each for each in result.manifests if each["kind"] == "HTTPRoute"]
    (rule,) = [each for each in result.manifests if each["kind"] == "DestinationRule"]

    assert [] == [line for line in result.lines if ": lost: " in line]
    assert [80] == [backend["port"] for backend in route["spec"]["rules"][0]["backendRefs"]]
    assert [80] == [each["port"]["number"] for each in rule["spec"]["trafficPolicy"]["portLevelSettings"]]


def test_a_port_that_istio_takes_for_another_protocol_is_said(run) -> None:
    """gRPC behind a port called http would be spoken to in HTTP/1.1."""
    spec = "{selector: {app: api}, ports: [{port: 8080, name: http}]}"
    result = run(a=NODE.replace("SPEC", spec).replace("protocol: http", "protocol: grpc"))

    (line,) = [line for line in result.lines if ": lost: " in line]
    assert "lost: Service shop/api: spec.ports[0]: its port is called http, so Istio takes it for http, " in line
    assert line.endswith("set appProtocol: grpc")


def test_a_name_that_no_service_may_have_is_changed(run) -> None:
    """App Mesh's names may have dots; a Service's may not, and its clients go by the host."""
    result = run(a=NODE.partition("---")[2].partition("---")[0].replace("name: api,", "name: www.example.com,"))

    assert [] == [trouble for each in result.manifests for trouble in refused(each)]
    assert "www-example-com" in [each["metadata"]["name"] for each in result.manifests if each["kind"] == "Service"]


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


OLD = """\
apiVersion: appmesh.k8s.aws/v1beta1
kind: Mesh
metadata: {name: old}
---
apiVersion: appmesh.k8s.aws/v1beta1
kind: VirtualNode
metadata: {name: web, namespace: shop}
spec:
  meshName: old
  listeners: [{portMapping: {port: 8080, protocol: http}}]
  serviceDiscovery: {dns: {hostName: web-v1.shop.svc.cluster.local}}
---
apiVersion: appmesh.k8s.aws/v1beta1
kind: VirtualNode
metadata: {name: front, namespace: front}
spec:
  meshName: old
  listeners: [{portMapping: {port: 8080, protocol: http}}]
  backends: [{virtualService: {virtualServiceName: web.shop.svc.cluster.local}}]
  serviceDiscovery: {dns: {hostName: front.front.svc.cluster.local}}
---
apiVersion: appmesh.k8s.aws/v1beta1
kind: VirtualService
metadata: {name: web.shop.svc.cluster.local, namespace: shop}
spec:
  meshName: old
  virtualRouter: {name: web-router, listeners: [{portMapping: {port: 8080, protocol: http}}]}
  routes:
    - name: all
      http:
        match: {prefix: /}
        action: {weightedTargets: [{virtualNodeName: web, weight: 1}]}
        retryPolicy: {maxRetries: 2, perRetryTimeoutMillis: 100, httpRetryEvents: [server-error]}
"""


def test_the_first_version_is_read(run) -> None:
    """v1beta1, whose services have their routes themselves, and whose nodes are found by Services alone."""
    result = run(a=OLD)
    (route,) = [each for each in result.manifests if each["kind"] == "HTTPRoute"]
    lost = [line.partition(": lost: ")[2].partition(": the standard")[0] for line in result.lines if ": lost: " in line]

    assert 0 == result.status
    assert [] == [trouble for each in result.manifests for trouble in refused(each)]
    assert ("web-router", ["web"]) == (
        route["metadata"]["name"],
        [parent["name"] for parent in route["spec"]["parentRefs"]],
    )
    assert ["web-v1"] == [backend["name"] for backend in route["spec"]["rules"][0]["backendRefs"]]
    assert "VirtualRouter shop/web-router: spec.routes[0].httpRoute.retryPolicy" in lost
    assert not any("which is not in mesh" in line for line in result.lines)


@pytest.mark.parametrize("broken", ["virtualNodeName: web, weight: 101", "virtualNodName: web, weight: 1"])
def test_a_broken_object_of_the_first_version_leaves_nothing(run, broken: str) -> None:
    """Neither the service nor the router that it would have become."""
    result = run(a=OLD.replace("virtualNodeName: web, weight: 1", broken))

    assert 1 == sum(": refused: VirtualService shop/web.shop.svc.cluster.local: " in line for line in result.lines)
    assert [] == [each for each in result.manifests if each["kind"] == "HTTPRoute"]


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


def test_a_list_is_its_items(run) -> None:
    """What `kubectl get -o yaml` prints is read item by item."""
    item = "- apiVersion: appmesh.k8s.aws/v1beta2\n  kind: Mesh\n  metadata: {name: m}\n"
    result = run(a=f"apiVersion: v1\nkind: List\nitems:\n{item}")

    assert ["Sidecar"] == [each["kind"] for each in result.manifests]


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
    monkeypatch.setattr("sys.stdin", io.StringIO(dedent(_with_retries())))
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


def _with_retries() -> str:
    """The shop with retries in its route."""
    at = "            action: {weightedTargets: [{virtualNodeRef: {name: web}, weight: 1}]}\n"
    return SHOP.replace(at, at + RETRIES)
