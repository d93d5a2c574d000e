"""Which files of a folder are one mesh."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from canario.cli.worlds import together


@pytest.mark.parametrize(
    ("files", "groups"),
    [
        pytest.param({"a": "x", "b/c": "y", "b/d": "z"}, [[0, 1, 2]], id="no name twice"),
        pytest.param({"dev/a": "x", "dev/b": "y", "prod/a": "x", "prod/b": "y"}, [[0, 1], [2, 3]], id="folders"),
        pytest.param({"a": "x", "b": "x", "c/d": "y"}, [[0], [1], [2]], id="files of one folder"),
        pytest.param({"all": "z", "dev/a": "x", "prod/a": "x"}, [[0], [1], [2]], id="what both would share"),
        pytest.param(
            {"x/dev/a": "x", "x/prod/a": "x", "y/a": "y", "y/b": "w"}, [[0], [1], [2, 3]], id="only where it is"
        ),
        pytest.param({"a": "xx"}, [[0]], id="twice in one file"),
        pytest.param({}, [], id="nothing"),
    ],
)
def test_folders_are_divided_only_where_names_meet(files: dict[str, str], groups: list[list[int]]) -> None:
    """Each letter is a thing in the file."""
    named = [(PurePath(name), frozenset(("Mesh", "", each) for each in text)) for name, text in files.items()]

    assert groups == together(named)
