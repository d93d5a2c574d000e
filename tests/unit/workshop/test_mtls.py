"""The stage `mtls`: its order, its checks, its Secrets."""

from dataclasses import replace
from datetime import timedelta

import pytest

from canario.errors import NotReady
from canario.workshop import identities
from canario.workshop.application import url
from canario.workshop.kinds import DEPLOYMENT, VIRTUAL_NODE
from canario.workshop.ports import KeyPair, Ports
from canario.workshop.stages import stage
from tests.fakes import NOW
from tests.unit.workshop.envoys import secrets
from tests.unit.workshop.world import DEFAULT, NAMESPACE, answering, world

NODES = ["frontend", "nodejs", "crystal", "nodejsv2"]
STAGE = stage("mtls")


@pytest.fixture
def ports() -> Ports:
    """A workshop whose canary stage is over."""
    found = world()
    for each in ("baseline", "mesh", "canary"):
        stage(each).solve(DEFAULT, found)
    found.http.answers[url(DEFAULT.names, "frontend")] = answering("frontend", "envoy")
    return found


def said(ports: Ports) -> dict[str, str]:
    return {each.name: str(each.finding.status) for each in STAGE.check(DEFAULT, ports)}


def modes(ports: Ports) -> dict[str, str]:
    """Node → its listener's mode."""
    nodes = ports.kubernetes.list(VIRTUAL_NODE, NAMESPACE)
    return {each["metadata"]["name"]: each["spec"]["listeners"][0].get("tls", {}).get("mode", "none") for each in nodes}


def annotations(ports: Ports) -> list[str | None]:
    found = ports.kubernetes.list(DEPLOYMENT, NAMESPACE)
    mounts = "appmesh.k8s.aws/secretMounts"
    return [each["spec"]["template"]["metadata"].get("annotations", {}).get(mounts) for each in found]


def test_it_passes_when_it_is_solved(ports: Ports) -> None:
    """Every check fails or does not pass before, and passes after."""
    before = said(ports)
    STAGE.solve(DEFAULT, ports)

    assert "passed" not in before.values()
    assert {"passed"} == set(said(ports).values())


def test_the_listeners_of_services_are_strict_and_the_frontends_is_not_touched(ports: Ports) -> None:
    """People reach the frontend from outside, without a certificate."""
    STAGE.solve(DEFAULT, ports)

    strict = dict.fromkeys(("nodejs-app", "nodejsv2-app", "crystal-app"), "STRICT")
    assert {"frontend-app": "none", **strict} == modes(ports)


def test_every_node_gets_its_own_secret(ports: Ports) -> None:
    """Both versions of nodejs prove to be nodejs; every Secret carries the workshop's label."""
    STAGE.solve(DEFAULT, ports)
    found = secrets(ports)
    names = {
        each: ports.certificates.read(identities.identity(DEFAULT.names, each, ports).certificate).names
        for each in NODES
    }

    assert {"mtls-authority", *(f"{each}-app-tls" for each in NODES)} == set(found)
    assert {"default"} == {each["metadata"]["labels"]["canario/workshop"] for each in found.values()}
    assert {
        "frontend": ("frontend.appmeshworkshop.hosted.local",),
        "nodejs": ("nodejs.appmeshworkshop.hosted.local",),
        "nodejsv2": ("nodejs.appmeshworkshop.hosted.local",),
        "crystal": ("crystal.appmeshworkshop.hosted.local",),
    } == names


def test_no_listener_is_touched_before_every_pod_has_its_certificate(ports: Ports) -> None:
    """A listener whose certificate is not mounted would answer nobody."""
    ports.kubernetes.settles = False
    deployment = ports.kubernetes.get(DEPLOYMENT, "crystal-app", NAMESPACE) or {}
    ports.kubernetes.put({**deployment, "status": {**deployment["status"], "availableReplicas": 1}})

    with pytest.raises(NotReady, match="crystal-app: 2 updatedReplicas, 1 availableReplicas"):
        STAGE.solve(DEFAULT, ports)
    assert {"none"} == set(modes(ports).values())


def test_listeners_stay_permissive_while_a_caller_is_in_plaintext(ports: Ports) -> None:
    """STRICT would refuse what the caller still sends."""
    calls = ports.kubernetes.proxy
    ports.kubernetes.proxy = lambda *_: replace(calls(*_), body='{"configs": []}')  # type: ignore[method-assign]

    with pytest.raises(NotReady, match="its proxy has no way to nodejs"):
        STAGE.solve(DEFAULT, ports)
    assert {"none", "PERMISSIVE"} == set(modes(ports).values())

    ports.kubernetes.proxy = calls  # type: ignore[method-assign]
    STAGE.solve(DEFAULT, ports)
    assert {"passed"} == set(said(ports).values())


def test_solving_again_changes_nothing(ports: Ports) -> None:
    """No certificate is made anew, and no listener is loosened on the way."""
    STAGE.solve(DEFAULT, ports)
    before = {key: {**each, "metadata": None} for key, each in ports.kubernetes.objects.items()}
    STAGE.solve(DEFAULT, ports)

    assert before == {key: {**each, "metadata": None} for key, each in ports.kubernetes.objects.items()}


def test_what_others_wrote_into_a_node_stays(ports: Ports) -> None:
    """The node's discovery may be another stage's."""
    node = ports.kubernetes.get(VIRTUAL_NODE, "nodejs-app", NAMESPACE) or {}
    node["spec"]["serviceDiscovery"] = {"awsCloudMap": {"namespaceName": "n", "serviceName": "s"}}
    ports.kubernetes.put(node)
    STAGE.solve(DEFAULT, ports)

    found = ports.kubernetes.get(VIRTUAL_NODE, "nodejs-app", NAMESPACE) or {}
    assert node["spec"]["serviceDiscovery"] == found["spec"]["serviceDiscovery"]


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"mode": "PERMISSIVE"}, "plaintext refused"),
        ({"mode": "PERMISSIVE"}, "no certificate refused"),
        ({"mode": "PERMISSIVE"}, "stranger refused"),
        ({"mode": "DISABLED"}, "right certificate served"),
        ({"names": ["crystal.appmeshworkshop.hosted.local"]}, "wrong name refused"),
    ],
)
def test_a_listener_that_lets_others_in_is_found_out(ports: Ports, change: dict, check: str) -> None:
    """Each check sees what it is there for."""
    STAGE.solve(DEFAULT, ports)
    node = ports.kubernetes.get(VIRTUAL_NODE, "nodejs-app", NAMESPACE) or {}
    tls = node["spec"]["listeners"][0]["tls"]
    tls["mode"] = change.get("mode", "STRICT")
    if "names" in change:
        tls["validation"]["subjectAlternativeNames"]["match"]["exact"] = change["names"]
    ports.kubernetes.put(node)

    assert "failed" == said(ports)[check]


@pytest.mark.parametrize(
    ("days", "written"),
    [(19.9, []), (20.1, ["frontend-app-tls", "nodejs-app-tls", "crystal-app-tls", "nodejsv2-app-tls"])],
)
def test_a_certificate_is_renewed_when_a_third_of_its_life_is_left(
    ports: Ports, days: float, written: list[str]
) -> None:
    """Thirty days, so ten before the end; the authority stays, so both generations are believed."""
    STAGE.solve(DEFAULT, ports)
    authority = secrets(ports)["mtls-authority"]["data"]
    later = replace(ports, now=NOW + timedelta(days=days))

    assert written == identities.renew(DEFAULT.names, NODES, later)
    assert authority == secrets(ports)["mtls-authority"]["data"]


@pytest.mark.parametrize("broken", [None, {}, {"tls.crt": "bm90aGluZw==", "tls.key": "aw=="}, {"tls.crt": "?"}])
def test_a_secret_that_was_lost_or_broken_is_made_anew(ports: Ports, broken: dict | None) -> None:
    """Deleting a Secret is how a person asks for a new certificate."""
    STAGE.solve(DEFAULT, ports)
    secret = secrets(ports)["nodejs-app-tls"]
    ports.kubernetes.put({**secret, "data": broken})

    assert ["nodejs-app-tls"] == identities.renew(DEFAULT.names, NODES, ports)
    assert [] == identities.renew(DEFAULT.names, NODES, ports)


def test_clean_leaves_the_mesh_as_it_was(ports: Ports) -> None:
    """Nodes, deployments and Secrets are as before the stage."""
    before = ports.kubernetes.list(VIRTUAL_NODE, NAMESPACE)
    STAGE.solve(DEFAULT, ports)
    STAGE.clean(DEFAULT, ports)

    after = ports.kubernetes.list(VIRTUAL_NODE, NAMESPACE)
    assert [each["spec"] for each in before] == [each["spec"] for each in after]
    assert {} == secrets(ports)
    assert [None] * 4 == annotations(ports)


def test_no_key_is_said(ports: Ports) -> None:
    """What a check measured, and how a key pair looks in a log, have no key in them."""
    STAGE.solve(DEFAULT, ports)
    measured = str([each.to_dict() for each in STAGE.check(DEFAULT, ports)])

    assert "key 1" not in measured
    assert "secret" not in repr(KeyPair("certificate", "secret"))
