from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.lab.cluster import support


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[support.Cluster]:
    async with support.cluster(tmp_path) as running:
        yield running
