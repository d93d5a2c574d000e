"""TLS in a pod's Envoy files, as data; Secrets in its Envoy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canario.errors import InvalidInput
from canario.mesh import appmesh
from canario.mesh.model import Node, Port, Ref
from canario.mesh.tls import CertificateFiles, ClientTls, ListenerTls, TlsMode, Validation
from lab.mesh.assembly import REFERENCE_NOT_FOUND, Key, assemble
from lab.mesh.injection import INJECT, RefusedError
from lab.mesh.mounts import ANNOTATION
from lab.mesh.tls import Files, client_fields, link, mounts_of, secured
from tests.unit.mesh.objects import namespace, node, pod, shop
from tests.unit.mesh.test_injection import injected

FILES = CertificateFiles("/certs/tls.crt", "/certs/tls.key")
TLS = ListenerTls(TlsMode.STRICT, FILES, Validation("/certs/ca.crt", ("web.example", "spiffe://web")))
PLAIN = {"name": "inbound_3000", "filter_chains": [{"filters": []}]}
WORLD = shop(namespaces=(namespace(**{INJECT: "enabled"}),))
FILE = {"file": {"certificateChain": "/certs/a", "privateKey": "/certs/b"}}


def listener(mode: TlsMode) -> dict[str, Any]:
    return secured(PLAIN, Port(3000, tls=replace(TLS, mode=mode)), Files(Path("/pod"), ("/certs",)))


@pytest.mark.parametrize(
    ("mode", "chains"),
    [("DISABLED", [None]), ("PERMISSIVE", ["tls", "raw_buffer"]), ("STRICT", ["tls"])],
)
def test_what_a_listener_takes(mode: str, chains: list[str | None]) -> None:
    """PERMISSIVE has a chain for each, STRICT one for TLS, DISABLED the listener as it was."""
    found = listener(TlsMode(mode))["filter_chains"]

    assert chains == [chain.get("filter_chain_match", {}).get("transport_protocol") for chain in found]


def test_strict_and_permissive_differ_in_their_chains_only() -> None:
    """Envoy then changes the chains in place, and keeps the socket and its TLS connections."""
    strict, permissive = listener(TlsMode.STRICT), listener(TlsMode.PERMISSIVE)

    assert {**strict, "filter_chains": 0} == {**permissive, "filter_chains": 0}


@pytest.mark.parametrize(("mode", "required"), [("STRICT", True), ("PERMISSIVE", False)])
def test_who_must_show_a_certificate(mode: str, required: bool) -> None:
    """Where plaintext is taken, asking every TLS client for a certificate would protect nothing."""
    socket = listener(TlsMode(mode))["filter_chains"][0]["transport_socket"]

    assert required == socket["typed_config"]["require_client_certificate"]


def test_names_and_identities() -> None:
    """A name with a scheme is a URI (SPIFFE), any other a DNS name."""
    common = listener(TlsMode.STRICT)["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]

    assert [
        {"san_type": "DNS", "matcher": {"exact": "web.example"}},
        {"san_type": "URI", "matcher": {"exact": "spiffe://web"}},
    ] == common["combined_validation_context"]["default_validation_context"]["match_typed_subject_alt_names"]


def test_secrets_name_the_mounted_files() -> None:
    """A path below a mount leads by the launcher's link."""
    files = Files(Path("/pod"), ("/etc/certs/", "/"))
    files.certificate(CertificateFiles("/etc/certs/tls.crt", "/etc/certs/tls.key"))
    (secret,) = next(iter(files.secrets.values()))

    assert {
        "certificate_chain": {"filename": "/pod/mounts/etc%2Fcerts/tls.crt"},
        "private_key": {"filename": "/pod/mounts/etc%2Fcerts/tls.key"},
    } == secret["tls_certificate"]


def test_the_same_files_are_one_secret() -> None:
    """Listeners and clusters share it: one file, and one answer to Envoy."""
    files = Files(Path("/pod"), ("/certs",))
    secured(PLAIN, Port(3000, tls=TLS), files)
    client_fields(ClientTls(TLS.validation or Validation(""), FILES), None, files)

    assert 2 == len(files.secrets)


@pytest.mark.parametrize(
    ("policy", "mode", "speaks"),
    [
        (None, None, False),
        (None, TlsMode.PERMISSIVE, False),
        (None, TlsMode.STRICT, True),
        (ClientTls(Validation("/ca")), None, True),
        (ClientTls(Validation("/ca"), enforce=False), None, False),
        (ClientTls(Validation("/ca"), enforce=False), TlsMode.DISABLED, False),
        (ClientTls(Validation("/ca"), enforce=False), TlsMode.PERMISSIVE, True),
        (ClientTls(Validation("/ca"), ports=(3000,)), None, True),
        (ClientTls(Validation("/ca"), ports=(3001,)), TlsMode.PERMISSIVE, False),
    ],
)
def test_who_calls_by_tls(policy: ClientTls | None, mode: TlsMode | None, speaks: bool) -> None:
    """An enforced policy always; one that is not, and none at all, as the listener asks for it."""
    tls = ListenerTls(mode, FILES) if mode else None
    target = Node(Ref("shop", "web"), "web", ports=(Port(3000, tls=tls),))

    assert speaks == ("transport_socket" in client_fields(policy, target, Files(Path("/pod"), ())))


def test_links_lead_to_what_is_mounted(tmp_path: Path) -> None:
    """The launcher may link again, after a restart, to another place."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.crt").write_text(name)
        link(tmp_path / "pod", {"/etc/certs/": str(tmp_path / name)})

    assert "two" == (tmp_path / "pod" / "mounts" / "etc%2Fcerts" / "tls.crt").read_text()


def test_secret_mounts_are_in_the_envoy_and_nowhere_else() -> None:
    """The annotation adds a volume for each Secret and mounts it into the sidecar only."""
    new = pod("web-1", "web-v1", annotations={ANNOTATION: "web-tls:/certs/, ca:/trust"})
    found = injected(WORLD, new)
    application, envoy = found["spec"]["containers"]

    assert [("web-tls", "web-tls"), ("ca", "ca")] == [
        (volume["name"], volume["secret"]["secretName"]) for volume in found["spec"]["volumes"]
    ]
    assert [("web-tls", "/certs"), ("ca", "/trust")] == [
        (mount["name"], mount["mountPath"]) for mount in envoy["volumeMounts"]
    ]
    assert "volumeMounts" not in application
    assert ("/certs", "/trust") == tuple(sorted(mounts_of(found, "envoy")))


def test_volumes_that_are_there_stay() -> None:
    """The pod's own volumes are kept."""
    new = pod("web-1", "web-v1", annotations={ANNOTATION: "web-tls:/certs"})
    new["spec"]["volumes"] = [{"name": "own", "emptyDir": {}}]

    assert ["own", "web-tls"] == [volume["name"] for volume in injected(WORLD, new)["spec"]["volumes"]]


@pytest.mark.parametrize("text", ["web-tls", "web-tls:certs", ":/certs", "web-tls:/a/../b"])
def test_secret_mounts_that_say_nothing_are_refused(text: str) -> None:
    """The pod is refused with the annotation's form."""
    with pytest.raises(RefusedError, match="secret:/path, several by commas"):
        injected(WORLD, pod("web-1", "web-v1", annotations={ANNOTATION: text}))


@pytest.mark.parametrize(
    ("tls", "field", "allowed"),
    [
        ({"mode": "STRICT", "certificate": {"acm": {"certificateARN": "a"}}}, "certificate", "only AWS's own"),
        ({"mode": "STRICT", "certificate": {"sds": {"secretName": "s"}}}, "certificate", "no SDS provider"),
        ({"mode": "ON", "certificate": FILE}, "mode", "DISABLED, PERMISSIVE, STRICT"),
        (
            {"mode": "STRICT", "certificate": FILE, "validation": {"trust": {"sds": {"secretName": "s"}}}},
            "validation.trust",
            "no SDS provider",
        ),
    ],
)
def test_what_there_is_no_key_for_is_refused(tls: dict[str, Any], field: str, allowed: str) -> None:
    """ACM and SDS are refused by the field that names them, with what to use instead."""
    broken = node("web-v1", listeners=[{"portMapping": {"port": 3000, "protocol": "http"}, "tls": tls}])

    with pytest.raises(InvalidInput, match=allowed) as caught:
        appmesh.parse_node(broken)
    assert f"VirtualNode shop/web-v1: spec.listeners[0].tls.{field}" == caught.value.field


@pytest.mark.parametrize("path", ["certs/tls.crt", "/certs/../tls.crt"])
def test_paths_that_leave_the_container_are_refused(path: str) -> None:
    """The node's status says which."""
    tls = {"mode": "STRICT", "certificate": {"file": {"certificateChain": path, "privateKey": "/certs/tls.key"}}}
    broken = node("web-v1", listeners=[{"portMapping": {"port": 3000, "protocol": "http"}, "tls": tls}])
    finding = assemble(shop(virtual_nodes=(broken,)), {}).findings[Key("VirtualNode", Ref("shop", "web-v1"))]

    assert (False, REFERENCE_NOT_FOUND) == (finding.active, finding.reason)
    assert f"its TLS names the file {path!r}" in finding.message
