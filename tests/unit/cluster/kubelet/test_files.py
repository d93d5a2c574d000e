"""Images, volumes and logs: what the kubelet reads and writes."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.kubelet.errors import ImageError, VolumeError
from lab.cluster.kubelet.images import Image, Images, find, repository
from lab.cluster.kubelet.logs import Selection, stamp
from lab.cluster.kubelet.volumes import File, Volumes, files, refuse_unsupported, write
from lab.cluster.objects import Obj

_IMAGES = (Image("canario/nodejs", ("node",)), Image("aws-appmesh-envoy", ("envoy",)))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nodejs", "nodejs"),
        ("canario/nodejs:latest", "canario/nodejs"),
        ("123456789012.dkr.ecr.us-west-1.amazonaws.com/canario/nodejs:v1", "canario/nodejs"),
        ("localhost:5000/a/b@sha256:abcd", "a/b"),
        ("host.example/a:1@sha256:abcd", "a"),
    ],
)
def test_a_reference_has_a_repository(reference: str, expected: str) -> None:
    """Host, tag and digest are no part of the repository."""
    assert expected == repository(reference)


def test_an_image_is_found_by_path_or_last_component() -> None:
    """The whole repository path counts first, then its last component; nothing else matches."""
    assert "canario/nodejs" == find(_IMAGES, "r.example/canario/nodejs:1").repository
    assert "aws-appmesh-envoy" == find(_IMAGES, "r.example/appmesh/aws-appmesh-envoy:v1").repository
    with pytest.raises(ImageError, match="'other/nodejs'; there are: aws-appmesh-envoy, canario/nodejs"):
        find(_IMAGES, "other/nodejs")


def test_images_are_read_again(tmp_path: Path) -> None:
    """An image that is added to images.json is found without a restart; a broken file is an error that names it."""
    path = tmp_path / "images.json"
    images = Images(path)
    with pytest.raises(ImageError, match="cannot read images.json"):
        images.find("a")
    path.write_text(json.dumps([{"repository": "a", "argv": ["run"], "env": {"N": 1}}]))
    found = images.find("a")
    fresh = tmp_path / "fresh"
    fresh.write_text(json.dumps([{"repository": "b", "argv": ["run"]}]))
    fresh.rename(path)

    assert Image("a", ("run",), {"N": "1"}) == found
    assert Image("b", ("run",)) == images.find("b")


_FILES = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.builds(File, st.binary(max_size=20), st.sampled_from([0o644, 0o600])),
    max_size=4,
)


@given(st.lists(_FILES, min_size=1, max_size=4))
def test_a_volume_holds_exactly_its_files(states: list[dict[str, File]]) -> None:
    """After any row of changes a volume has the last state's files, by content and mode, and no others."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for state in states:
            write(directory, state)
        visible = {p.name: p for p in directory.iterdir() if not p.name.startswith("..")}
        found = {n: File(p.read_bytes(), p.stat().st_mode & 0o777) for n, p in visible.items()}

        assert states[-1] == found
        assert not write(directory, states[-1])


def test_a_change_of_files_is_one_rename(tmp_path: Path) -> None:
    """All files of a volume change at once: each name goes through one link, which is replaced."""
    write(tmp_path, {"a": File(b"1", 0o644), "b": File(b"1", 0o644)})
    before = os.readlink(tmp_path / "..data")
    write(tmp_path, {"a": File(b"2", 0o644), "b": File(b"2", 0o644)})

    assert "..data/a" == os.readlink(tmp_path / "a")
    assert before != os.readlink(tmp_path / "..data")
    assert b"2" == (tmp_path / "b").read_bytes()
    assert not (tmp_path / before).exists()


def _lookup(kind: str, namespace: str, name: str) -> Obj | None:
    data = {"key.pem": base64.b64encode(b"KEY").decode(), "crt": base64.b64encode(b"CRT").decode()}
    return {"metadata": {"name": name}, "data": data} if (kind, namespace, name) == ("secrets", "shop", "tls") else None


_POD = {"metadata": {"name": "web", "namespace": "shop"}}


def test_a_secret_becomes_files() -> None:
    """A secret's keys are files with its mode; with items only those, under their paths and modes."""
    whole = files(_POD, {"name": "v", "secret": {"secretName": "tls", "defaultMode": 0o400}}, _lookup)
    items = [{"key": "crt", "path": "certs/ca.pem", "mode": 0o600}]
    chosen = files(_POD, {"name": "v", "secret": {"secretName": "tls", "items": items}}, _lookup)

    assert {"key.pem": File(b"KEY", 0o400), "crt": File(b"CRT", 0o400)} == whole
    assert {"certs/ca.pem": File(b"CRT", 0o600)} == chosen


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"secretName": "none"}, 'MountVolume.SetUp failed for volume "v": secret "none" not found'),
        (
            {"secretName": "tls", "items": [{"key": "no", "path": "p"}]},
            "secret \"tls\" has no key 'no'; it has: crt, key.pem",
        ),
        (
            {"secretName": "tls", "items": [{"key": "crt", "path": "../p"}]},
            "items[].path: '../p' is not allowed",
        ),
    ],
)
def test_a_volume_that_cannot_be_made_is_named(source: Obj, message: str) -> None:
    """A missing source or key, or a path that leads out, is refused with a line that names it."""
    with pytest.raises(VolumeError) as error:
        files(_POD, {"name": "v", "secret": source}, _lookup)

    assert error.value.message.startswith(message)


def test_an_optional_source_may_be_missing() -> None:
    """An optional secret that is not there is an empty directory."""
    assert {} == files(_POD, {"name": "v", "secret": {"secretName": "none", "optional": True}}, _lookup)


def test_a_secrets_directory_is_its_users_own(tmp_path: Path) -> None:
    """Other users of this machine read no keys, whatever mode the files have."""
    volume = {"name": "v", "secret": {"secretName": "tls"}}
    pod = {**_POD, "spec": {"volumes": [volume]}}
    Volumes(tmp_path, _lookup).refresh(pod)

    assert 0o700 == (tmp_path / "v").stat().st_mode & 0o777
    assert b"KEY" == (tmp_path / "v" / "key.pem").read_bytes()


@pytest.mark.parametrize("kind", ["hostPath", "projected", "persistentVolumeClaim", "downwardAPI"])
def test_other_volumes_are_refused(kind: str) -> None:
    """The lab says which volumes it has when a pod wants another."""
    with pytest.raises(VolumeError, match=f"{kind} is not in the lab; allowed: emptyDir, configMap, secret"):
        refuse_unsupported({"spec": {"volumes": [{"name": "v", kind: {}}]}})


_AT = [datetime(2026, 11, 23, 12, 0, second, tzinfo=UTC) for second in range(4)]
_STORED = [f"{stamp(at)} line {n}\n".encode() for n, at in enumerate(_AT)]


def test_lines_are_chosen_by_time_and_number() -> None:
    """A log shows its last lines, those since a time, with their times or without."""
    now = datetime(2026, 11, 23, 12, 0, 4, tzinfo=UTC)

    def chosen(*, tail: int | None = None, since: int | None = None, timestamps: bool = False) -> list[bytes]:
        return Selection.of(tail=tail, since_seconds=since, timestamps=timestamps, now=now).lines(_STORED)

    assert [b"line 0\n", b"line 1\n", b"line 2\n", b"line 3\n"] == chosen()
    assert [b"line 3\n"] == chosen(tail=1)
    assert [] == chosen(tail=0)
    assert [b"line 2\n", b"line 3\n"] == chosen(since=2)
    assert [b"2026-11-23T12:00:03.000000Z line 3\n"] == chosen(since=2, tail=1, timestamps=True)
