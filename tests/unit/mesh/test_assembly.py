"""What the lab's controller makes of the mesh objects it finds."""

from __future__ import annotations

from typing import Any

import pytest

from canario.mesh.model import Ref
from lab.mesh.assembly import INVALID, NO_MESH, REFERENCE_NOT_FOUND, UNSUPPORTED, Key, assemble
from lab.mesh.world import World
from tests.unit.mesh.objects import NAMESPACE, listener, mesh, namespace, node, router, service, shop

ROUTER = Key("VirtualRouter", Ref(NAMESPACE, "web-router"))
NODE = Key("VirtualNode", Ref(NAMESPACE, "web-v1"))
SERVICE = Key("VirtualService", Ref(NAMESPACE, "web"))


def test_all_good() -> None:
    """Objects that fit together are all active, and make up their mesh."""
    assembly = assemble(shop(), {})

    assert all(finding.active for finding in assembly.findings.values())
    assert [NODE.ref] == [node.ref for node in assembly.meshes["m"].nodes]
    assert [ROUTER.ref] == [router.ref for router in assembly.meshes["m"].routers]
    assert [SERVICE.ref] == [service.ref for service in assembly.meshes["m"].services]


def test_no_mesh() -> None:
    """An object whose namespace no mesh selects is told so."""
    finding = assemble(shop(namespaces=(namespace(mesh="other"),)), {}).findings[NODE]

    assert (False, NO_MESH) == (finding.active, finding.reason)
    assert f"no mesh selects namespace {NAMESPACE}: label it as a Mesh's namespaceSelector asks" == finding.message


def test_two_meshes() -> None:
    """An object whose namespace two meshes select belongs to neither, and is told which they are."""
    finding = assemble(shop(meshes=(mesh("one"), mesh("two"))), {}).findings[NODE]

    assert f"namespace {NAMESPACE} is selected by several meshes (one, two): exactly one must be" == finding.message


def test_missing_reference() -> None:
    """A router that sends to a node that is not there is not active, and says which node."""
    finding = assemble(shop(virtual_nodes=()), {}).findings[ROUTER]

    assert (False, REFERENCE_NOT_FOUND) == (finding.active, finding.reason)
    assert (
        "VirtualRouter shop/web-router: its route all sends to node shop/web-v1, which is not in mesh m"
    ) == finding.message


def test_field_without_words() -> None:
    """An object with a field that nobody understands is not active, and says which field."""
    finding = assemble(shop(virtual_nodes=(node("web-v1", meshOwner="1"),)), {}).findings[NODE]

    assert INVALID == finding.reason
    assert finding.message.startswith("VirtualNode shop/web-v1: spec.meshOwner: '1' is not allowed")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"listeners": [listener(9901)]}, "there Envoy's own administration is"),
        ({"listeners": [listener(3000), listener(3001)]}, "2 listeners: a node has one"),
    ],
)
def test_what_the_lab_cannot_do(change: dict[str, Any], reason: str) -> None:
    """What App Mesh could do and the lab cannot is refused, not left out in silence."""
    finding = assemble(shop(virtual_nodes=(node("web-v1", **change),)), {}).findings[NODE]

    assert UNSUPPORTED == finding.reason
    assert reason in finding.message


def test_targets_port() -> None:
    """A target's port is its node's listener's; any other is refused."""
    ported = router("web-router", "web-v1")
    target = ported["spec"]["routes"][0]["httpRoute"]["action"]["weightedTargets"][0]

    target["port"] = 3000
    assert assemble(shop(virtual_routers=(ported,)), {}).findings[ROUTER].active
    target["port"] = 3001
    finding = assemble(shop(virtual_routers=(ported,)), {}).findings[ROUTER]
    assert UNSUPPORTED == finding.reason
    assert "route all sends to port 3001 of node shop/web-v1, which does not listen there" in finding.message


def test_host_that_is_taken() -> None:
    """Of two services of one name the second is refused."""
    twins = (service("a", "web-router", "web.example"), service("b", "web-router", "web.example"))
    findings = assemble(shop(virtual_services=twins), {}).findings

    assert findings[Key("VirtualService", Ref(NAMESPACE, "a"))].active
    assert "VirtualService shop/b: is called web.example, as service shop/a already is" == (
        findings[Key("VirtualService", Ref(NAMESPACE, "b"))].message
    )


def test_the_last_good_one_stays() -> None:
    """An object that goes bad stays in force as it last was, and the others are not touched."""
    before = assemble(shop(), {})
    bad = shop(virtual_routers=(router("web-router", "gone"),))

    after = assemble(bad, before.good)

    assert not after.findings[ROUTER].active
    assert after.findings[SERVICE].active
    assert before.meshes == after.meshes


def test_what_is_deleted_goes() -> None:
    """The last good state of an object ends with the object."""
    before = assemble(shop(), {})

    after = assemble(shop(virtual_services=()), before.good)

    assert () == after.meshes["m"].services
    assert SERVICE not in after.good


def test_nothing() -> None:
    """Of an empty cluster there is nothing to say."""

    assert ({}, {}) == (assemble(World(), {}).meshes, assemble(World(), {}).findings)
