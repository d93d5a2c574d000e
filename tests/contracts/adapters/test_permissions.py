"""The port `Permissions`: the fake, and access reviews by the lab cluster."""

from collections.abc import Iterator

import pytest

from canario.adapters.kubernetes import from_kubeconfig
from canario.adapters.permissions import NEEDS, Access
from canario.workshop.ports import Permissions
from tests.fakes import FakePermissions


@pytest.fixture(params=["fake", "lab"])
def permissions(request: pytest.FixtureRequest) -> Iterator[Permissions]:
    """Those of a caller who may do everything."""
    if request.param == "fake":
        yield FakePermissions([str(need) for need in NEEDS])
    else:
        with from_kubeconfig(request.getfixturevalue("kubeconfig")) as cluster:
            yield Access(cluster)


def test_whoever_may_do_everything_misses_nothing(permissions: Permissions):
    """Every permission that a stage needs was asked for, and none is missing."""
    assert ([], [str(need) for need in NEEDS]) == (permissions.missing(), permissions.tried())
