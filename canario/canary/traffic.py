"""What the baseline showed so far."""

from dataclasses import dataclass
from math import sqrt

KEPT = 0.98  # of a window's counts, at the next: it counts half after about 34
CHANCE = 2.0  # standard deviations of the last window's failures that are no incident


@dataclass(frozen=True)
class Traffic:
    """The baseline's counts, the older the window the less; and the last window's requests, both nodes'."""

    requests: float = 0.0
    errors: float = 0.0
    last: int = 0
    surely: float = 0.0  # the baseline's failure rate in the last window, less what chance may have added

    def then(self, requests: int, errors: int, last: int) -> "Traffic":
        """One window later."""
        surely = max(0.0, errors - CHANCE * sqrt(errors)) / requests if requests else 0.0
        return Traffic(KEPT * self.requests + requests, KEPT * self.errors + errors, last, surely)

    @property
    def rate(self) -> float:
        """The baseline's failure rate as seen; 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0

    def expected_rate(self, tolerated: float) -> float:
        """The same, drawn towards the tolerated rate while few requests have been seen; never 0."""
        prior = 1 / max(tolerated, 0.001)
        return (self.errors + 1) / (self.requests + prior)

    def surge(self, tolerated: float) -> float:
        """How many times the expected rate the baseline failed in the last window, beyond chance; 1 or more.

        Above 1 it is in an incident, and whatever the canary is worse by is likely to be so many times more.
        """
        return max(1.0, self.surely / self.expected_rate(tolerated))
