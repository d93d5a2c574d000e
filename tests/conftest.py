"""What every test shares: Hypothesis measures no time, for these machines are shared, and draws the same examples.

Tests run in several processes. What is brought up once for a folder's tests (a lab, a deployment, the synthesized
stacks) is brought up in one of them.
"""

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("canario", deadline=None, derandomize=True)
settings.load_profile("canario")

BY_FOLDER = ("contracts", "infrastructure", "lab")


class ByPlace(LoadScopeScheduling):
    """Keeps a folder's tests together where they share what is slow to bring up, elsewhere a file's.

    (`--dist loadgroup` groups nothing with this pytest: xdist 3.8 writes the groups into a field that is gone.)
    """

    def _split_scope(self, nodeid: str) -> str:
        place = PurePosixPath(nodeid.partition("::")[0])
        return str(place.parent if place.parts[1] in BY_FOLDER else place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return ByPlace(config, log)
