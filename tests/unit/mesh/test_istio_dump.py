"""The EnvoyFilter by which Istio's proxies show what they have in force, as Istio's definition takes it."""

import pytest

from canario.mesh.istio_dump import envoy_filter
from tests.unit.mesh.schemas import refused


def test_istio_knows_every_field() -> None:
    """What is below `value` is Envoy's, which tests/lab/mesh/test_istio_dump.py asks."""
    assert refused(envoy_filter(["10.71.96.0/28"])) == []


def test_a_range_that_is_none_is_refused() -> None:
    """Bits of a host would let in others than meant; no source at all would be answered by nobody."""
    with pytest.raises(ValueError, match="host bits"):
        envoy_filter(["10.71.96.1/28"])
