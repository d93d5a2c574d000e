"""What every test shares: Hypothesis measures no time, for these machines are shared, and draws the same examples.

Tests run in two processes. What is brought up once for a folder's tests (a lab, a deployment, the synthesized stacks)
is brought up in one of them.
"""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("canario", deadline=None, derandomize=True)
settings.load_profile("canario")

TESTS = Path(__file__).parent
BY_FOLDER = ("contracts", "infrastructure", "lab")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Which tests stay together: a folder's in BY_FOLDER, elsewhere a file's."""
    for item in items:
        place = item.path.relative_to(TESTS)
        group = place.parent if place.parts[0] in BY_FOLDER else place
        item.add_marker(pytest.mark.xdist_group(str(group)))
