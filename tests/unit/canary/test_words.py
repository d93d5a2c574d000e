"""Numbers as a person on call reads them."""

import math

import pytest

from canario.canary.words import duration, odds, percent, sentence, several


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0 %"), (1 / 600, "0.167 %"), (0.01, "1 %"), (0.4427, "44.3 %"), (0.9, "90 %"), (1, "100 %")],
)
def test_percent(value: float, expected: str) -> None:
    """Shares and rates have three digits that matter."""
    assert expected == percent(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1e-9, "under 0.01"), (0.034, "0.034"), (1, "1"), (5.31, "5.3"), (12.4, "12"), (250.4, "250"), (2501, "2,501")],
)
def test_odds(value: float, expected: str) -> None:
    """Evidence is written as it compares with what is needed."""
    assert expected == odds(math.log(value))


def test_overwhelming_odds() -> None:
    """Evidence beyond every float is still read."""
    assert "over a million" == odds(1e6)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.2, "about 1 seconds"),
        (40, "about 40 seconds"),
        (420, "about 7 minutes"),
        (4 * 3600 + 300, "about 4 hours"),
        (3 * 86_400, "about 3 days"),
        (1e12, None),
        (math.inf, None),
    ],
)
def test_duration(seconds: float, expected: str | None) -> None:
    """A time has the unit in which it is a small number; what nobody waits for has none."""
    assert expected == duration(seconds)


def test_grammar() -> None:
    """One request, several requests; a capital and a full stop."""
    assert "1 request" == several(1, "request")
    assert "6,000 requests" == several(6000, "request")
    assert "So far so good." == sentence("so far so good")
