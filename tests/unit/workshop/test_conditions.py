"""What an object's conditions say, also while there are none."""

import pytest

from canario.workshop.conditions import is_true
from canario.workshop.ports import Manifest


@pytest.mark.parametrize("status", [{}, {"status": None}, {"status": {}}, {"status": {"conditions": None}}])
def test_an_object_that_nobody_has_looked_at_is_nothing_yet(status: Manifest) -> None:
    """An API server says `conditions: null` of a definition in its first moments."""
    assert not is_true({"kind": "CustomResourceDefinition", **status}, "Established")


@pytest.mark.parametrize(("value", "expected"), [("True", True), ("False", False), ("Unknown", False)])
def test_a_condition_is_true_when_it_says_so(value: str, expected: bool) -> None:
    """Another type's word does not count."""
    said = [{"type": "Ready", "status": value}, {"type": "Other", "status": "True"}]

    assert expected is is_true({"status": {"conditions": said}}, "Ready")
