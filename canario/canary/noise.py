"""How much noisier failures are than chance: the dispersion φ, from groups of requests that run the same code.

Where the groups (a node's pods, or both nodes in an A/A phase) differ by routing alone, the failures of group i have
the mean e_i = m·n_i/N, and X² = Σ (x_i − e_i)²/e_i · (N − 1)/(N − m) has a mean of exactly (groups − 1). Where
failures come in clusters of c that are routed together it is c times that; where each pod has a noise of its own it is
larger by what that adds. φ̂ is ΣX² over its degrees of freedom, a window counted 1 − 1/m since a single failure tells
nothing. What chance alone would show counts as none; what is beyond is taken with one standard error added, since too
small a φ costs false rollbacks, too large a one only time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from canario.canary.observation import Tally

CHANCE = 2.0  # standard errors: an excess of up to so many is none


@dataclass(frozen=True)
class Noise:
    """ΣX² and its degrees of freedom."""

    squares: float = 0.0
    freedom: float = 0.0

    def then(self, groups: Sequence[Tally]) -> "Noise":
        """With one more window of groups that run the same code."""
        served = [each for each in groups if each.requests]
        total, failed = sum(each.requests for each in served), sum(each.errors for each in served)
        if len(served) < 2 or failed < 2 or failed == total:
            return self
        rate, known = failed / total, 1 - 1 / failed
        squares = sum((each.errors - rate * each.requests) ** 2 / (rate * each.requests) for each in served)
        squares *= (total - 1) / (total - failed)
        return Noise(self.squares + known * squares, self.freedom + known * (len(served) - 1))

    @property
    def dispersion(self) -> float:
        """φ ≥ 1, by which evidence is divided; 1 where nothing shows that failures are noisier than chance."""
        if not self.freedom:
            return 1.0
        found, error = self.squares / self.freedom, sqrt(2 / self.freedom)
        return found * (1 + error) if found > 1 + CHANCE * error else 1.0
