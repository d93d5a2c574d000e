"""One lab for everything that is typed by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.by_hand.document import DOCS
from tests.lab.by_hand.terminal import Terminal, terminal

_ROOT = DOCS.parent
_TOOLS = ("bash", "curl", "jq", "openssl")
_PYTHON = {"PYTHONPATH": str(_ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which `make lab-up` was typed."""
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"this machine has no {', '.join(missing)}")
    folder: Path = tmp_path_factory.mktemp("by_hand")
    command = [sys.executable, "-m", "lab"]
    environment = os.environ | _PYTHON
    try:
        subprocess.run([*command, "up"], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield folder
    finally:
        subprocess.run([*command, "down"], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def typing(lab: Path) -> Iterator[Terminal]:
    """A terminal in front of the lab, as `source .lab/env` leaves it."""
    with terminal(lab, _PYTHON) as found:
        found.type("source .lab/env")
        yield found
