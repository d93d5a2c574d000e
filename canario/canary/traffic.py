"""What the baseline showed so far."""

from dataclasses import dataclass

KEPT = 0.98  # of a window's counts, at the next: it counts half after about 34


@dataclass(frozen=True)
class Traffic:
    """The baseline's counts, the older the window the less; and the last window's requests, both nodes'."""

    requests: float = 0.0
    errors: float = 0.0
    last: int = 0

    def then(self, requests: int, errors: int, last: int) -> "Traffic":
        """One window later."""
        return Traffic(KEPT * self.requests + requests, KEPT * self.errors + errors, last)

    @property
    def rate(self) -> float:
        """The baseline's failure rate as seen; 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0

    def expected_rate(self, tolerated: float) -> float:
        """The same, drawn towards the tolerated rate while few requests have been seen; never 0."""
        prior = 1 / max(tolerated, 0.001)
        return (self.errors + 1) / (self.requests + prior)
