"""The stage `mtls` where the stage `gateway` was before it: the gateway is a caller with a certificate."""

import pytest

from canario.workshop import identities
from canario.workshop.application import hostname, url
from canario.workshop.kinds import DEPLOYMENT, SECRET, SERVICE, VIRTUAL_GATEWAY, VIRTUAL_NODE
from canario.workshop.names import GATEWAY
from canario.workshop.ports import Answer, Ports
from canario.workshop.renewal import renew_all
from canario.workshop.stages import stage
from tests.unit.workshop.envoys import secrets
from tests.unit.workshop.world import DEFAULT, NAMESPACE, answering, world

STAGE = stage("mtls")
HOST = "ingress-gw.appmeshworkshop.hosted.local"


@pytest.fixture
def ports() -> Ports:
    """A workshop whose gateway and canary are there."""
    found = world()
    for each in ("baseline", "mesh", "gateway", "canary"):
        stage(each).solve(DEFAULT, found)
    found.http.answers[url(DEFAULT.names, "frontend")] = answering("frontend", "envoy")
    found.http.answers[way_in(found)] = answering("nodejs", "envoy")
    return found


def way_in(ports: Ports) -> str:
    return f"http://{hostname(ports.kubernetes.get(SERVICE, GATEWAY, NAMESPACE))}/eks/"


def test_the_gateway_gets_a_certificate_and_shows_it(ports: Ports) -> None:
    """Its own Secret, mounted into its Envoys, and a client policy that believes the upstreams' names."""
    STAGE.solve(DEFAULT, ports)

    deployment = ports.kubernetes.get(DEPLOYMENT, GATEWAY, NAMESPACE) or {}
    policy = (ports.kubernetes.get(VIRTUAL_GATEWAY, GATEWAY, NAMESPACE) or {})["spec"]["backendDefaults"]
    certificate = identities.identity(DEFAULT.names, GATEWAY, ports).certificate
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert "ingress-gw-tls:/certs" == annotations["appmesh.k8s.aws/secretMounts"]
    assert (HOST,) == ports.certificates.read(certificate).names
    assert ["nodejs.appmeshworkshop.hosted.local", "crystal.appmeshworkshop.hosted.local"] == (
        policy["clientPolicy"]["tls"]["validation"]["subjectAlternativeNames"]["match"]["exact"]
    )


def test_the_services_believe_the_frontend_and_the_gateway(ports: Ports) -> None:
    """Also where the listeners were STRICT before the gateway came."""
    stage("gateway").clean(DEFAULT, ports)
    STAGE.solve(DEFAULT, ports)
    stage("gateway").solve(DEFAULT, ports)
    STAGE.solve(DEFAULT, ports)

    tls = (ports.kubernetes.get(VIRTUAL_NODE, "nodejs-app", NAMESPACE) or {})["spec"]["listeners"][0]["tls"]
    believed = tls["validation"]["subjectAlternativeNames"]["match"]["exact"]
    assert ("STRICT", ["frontend.appmeshworkshop.hosted.local", HOST]) == (tls["mode"], believed)


def test_a_gateway_that_does_not_answer_fails_the_check(ports: Ports) -> None:
    """Who comes in from outside is answered after mTLS as before."""
    STAGE.solve(DEFAULT, ports)
    ports.http.answers[way_in(ports)] = Answer(503, {}, "no certificate")
    said = {each.name: each.finding for each in STAGE.check(DEFAULT, ports)}

    assert "failed" == said["application answers"].status
    assert "ingress-gw answered 503: no certificate" == said["application answers"].message
    assert {"frontend": 200, "ingress-gw": 503} == said["application answers"].measured


def test_taken_back_the_gateway_calls_in_plaintext(ports: Ports) -> None:
    """Nothing of TLS is left at the gateway, and no Secret."""
    STAGE.solve(DEFAULT, ports)
    STAGE.clean(DEFAULT, ports)

    deployment = ports.kubernetes.get(DEPLOYMENT, GATEWAY, NAMESPACE) or {}
    assert "backendDefaults" not in (ports.kubernetes.get(VIRTUAL_GATEWAY, GATEWAY, NAMESPACE) or {})["spec"]
    assert "appmesh.k8s.aws/secretMounts" not in deployment["spec"]["template"]["metadata"].get("annotations", {})
    assert {} == secrets(ports)


def test_the_gateways_certificate_is_renewed(ports: Ports) -> None:
    """One that was deleted is made again, as the nodes' are."""
    STAGE.solve(DEFAULT, ports)
    ports.kubernetes.delete(SECRET, "ingress-gw-tls", NAMESPACE)

    assert {"default": ["ingress-gw-tls"]} == renew_all(ports)
