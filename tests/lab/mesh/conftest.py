from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.net import free_block
from tests.lab.mesh.support import Cluster, running


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running(tmp_path, free_block(range(200, 255))) as cluster:
        yield cluster
