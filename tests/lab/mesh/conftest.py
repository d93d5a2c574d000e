from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.net import API_PORT, free_block
from tests.lab.mesh.support import Cluster, running


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    block = free_block(range(200, 255))
    with socket.create_server((block.api, API_PORT)):  # the block is taken, as other labs see it
        async with running(tmp_path, block) as cluster:
            yield cluster
