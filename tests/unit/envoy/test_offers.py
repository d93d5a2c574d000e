"""An Envoy's files as what it is offered."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from lab.envoy import offers
from lab.envoy.delivery import CLUSTERS, LISTENERS, ROUTES, SECRETS, Name
from lab.envoy.files import CDS, LDS, rds, write_files

CERTIFICATE = Name(SECRETS, "certificate")


def write(directory: Path) -> None:
    """Files with one secret, whose key and certificate lie in `directory`."""
    files = {field: {"filename": str(directory / f"{field}.pem")} for field in ("certificate_chain", "private_key")}
    secret = {"name": "certificate", "tls_certificate": files}
    write_files(directory, {CDS: [], LDS: [], rds("outbound"): [{"name": "outbound"}], "sds/1.json": [secret]})


def put(directory: Path, chain: str, key: str) -> None:
    (directory / "certificate_chain.pem").write_text(chain)
    (directory / "private_key.pem").write_text(key)


def test_every_file_is_offered(tmp_path: Path) -> None:
    """Listeners and clusters are asked for as a whole, routes and secrets by their names; files go as they are."""
    write(tmp_path)
    found = offers.read(tmp_path)

    assert {Name(CLUSTERS), Name(LISTENERS), Name(ROUTES, "outbound"), CERTIFICATE} == set(found)
    assert (tmp_path / CDS).read_text() == found[Name(CLUSTERS)].body


def test_a_secret_goes_with_its_content(tmp_path: Path) -> None:
    """Envoy gets the bytes of certificate and key, so it needs no watch on the files that have them."""
    write(tmp_path)
    put(tmp_path, "chain", "key")
    (secret,) = json.loads(offers.secrets(tmp_path)[CERTIFICATE].body)["resources"]

    assert {
        "certificate_chain": {"inline_bytes": base64.b64encode(b"chain").decode()},
        "private_key": {"inline_bytes": base64.b64encode(b"key").decode()},
    } == secret["tls_certificate"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Envoy refuses a secret whose file cannot be read, and its reason is the file's name."""
    write(tmp_path)

    assert "private_key.pem" in offers.secrets(tmp_path)[CERTIFICATE].body


def test_a_new_certificate_is_a_new_version(tmp_path: Path) -> None:
    """The version changes with the content of the files, and the stamp tells when to look."""
    write(tmp_path)
    seen = []
    for chain in ("one", "two"):
        put(tmp_path, chain, "key")
        seen.append((offers.stamp(tmp_path), offers.secrets(tmp_path)[CERTIFICATE].version))

    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]
