"""The files that an Envoy is served from."""

from __future__ import annotations

import json
from pathlib import Path

from lab.envoy.files import CDS, LDS, rds, with_earlier, write_files


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    """A file whose content is the same is left alone, so that Envoy is not told again."""
    files = {LDS: [{"name": "l"}], CDS: [{"name": "c"}]}
    write_files(tmp_path, files)

    changed = write_files(tmp_path, {**files, CDS: [{"name": "other"}]})

    assert [CDS] == changed
    assert [{"name": "other"}] == json.loads((tmp_path / CDS).read_text())["resources"]


def test_order(tmp_path: Path) -> None:
    """Files are written so that each names only what is there already: clusters, routes, listeners."""
    written = write_files(tmp_path, {LDS: [], rds("r"): [], CDS: []})

    assert [CDS, rds("r"), LDS] == written


def test_what_is_no_longer_named_goes(tmp_path: Path) -> None:
    """Route files of listeners that are gone are removed; nothing half-written stays."""
    write_files(tmp_path, {LDS: [], CDS: [], rds("old"): []})

    write_files(tmp_path, {LDS: [], CDS: []})

    assert {LDS, CDS} == {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}


def test_version_follows_content(tmp_path: Path) -> None:
    """The version that an Envoy reports changes with the content, and with nothing else."""

    def version(name: str) -> str:
        write_files(tmp_path, {CDS: [{"name": name}]})
        return json.loads((tmp_path / CDS).read_text())["version_info"]

    one, other, again = version("one"), version("other"), version("one")

    assert one == again
    assert one != other


def test_clusters_that_routes_may_still_name_stay(tmp_path: Path) -> None:
    """A cluster that is no longer wanted stays as it was, beside the new ones."""
    write_files(tmp_path, {CDS: [{"name": "old", "a": 1}, {"name": "kept", "a": 1}]})

    found = with_earlier(tmp_path / CDS, [{"name": "kept", "a": 2}, {"name": "new", "a": 2}])

    assert [{"name": "kept", "a": 2}, {"name": "new", "a": 2}, {"name": "old", "a": 1}] == found
