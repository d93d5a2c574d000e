"""What documents become, and what is said of them."""

from __future__ import annotations

from textwrap import dedent

from tests.unit.cli.migrate.shop import SHOP, SHOP_MESH, with_retries
from tests.unit.mesh.schemas import refused


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
    result = run(shop=with_retries())

    (line,) = result.lines
    number = dedent(with_retries()).splitlines().index("        retryPolicy:") + 1
    assert line.startswith(
        f"in/shop.yaml:{number}: lost: VirtualRouter shop/web: spec.routes[0].httpRoute.retryPolicy: "
    )
    assert 0 == result.status
    assert "1 lost" in result.summary


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


def test_a_list_is_its_items(run) -> None:
    """What `kubectl get -o yaml` prints is read item by item."""
    item = "- apiVersion: appmesh.k8s.aws/v1beta2\n  kind: Mesh\n  metadata: {name: m}\n"
    result = run(a=f"apiVersion: v1\nkind: List\nitems:\n{item}")

    assert ["Sidecar"] == [each["kind"] for each in result.manifests]
