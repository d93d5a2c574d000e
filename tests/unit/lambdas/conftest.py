"""The lab of one router, for every test of its rollouts."""

import pytest

from tests.unit.lambdas.rollouts import Lab


@pytest.fixture
def lab() -> Lab:
    return Lab()
