"""Whether the requests that were seen match the share that was set: a stuck proxy or a second router shows here.

While one share is in force, the canary's requests are n of N. With the null "the canary really gets between lo and hi"
and a rate q outside of it,

    ℓ = n·log(q / edge) + (N − n)·log((1 − q) / (1 − edge))

adds nothing on average at the edge, and less inside; the mean over rates above hi and below lo is valid for every share
between them, at whatever time one looks, and begins anew when another share is set. lo and hi are a fifth of the
smaller side away from the share that was set: a difference in practice, not in the fourth digit. Requests come in
sessions and connections, so every request counts as half of one, or as less where failures show more noise.
"""

from dataclasses import dataclass
from math import log, sqrt

from canario.canary.bets import Sample, log_rate, log_sum

BAND = 0.2  # of the smaller side
ODDS = (1.5, 3.0, 10.0, 100.0)  # beyond the band
NOISE = 2.0  # requests at least that arrive together
CHANCE = 2.0  # standard deviations below the share that no single window needs to explain


@dataclass(frozen=True)
class Split:
    """The requests since the share is what it is."""

    share: float = 0.0
    canary: int = 0
    total: int = 0
    last: float = 0.0  # the canary's part in the last window

    def then(self, share: float, sample: Sample) -> "Split":
        """One window later."""
        served, total = sample.canary.requests, sample.canary.requests + sample.baseline.requests
        if abs(share - self.share) > 1e-9:
            return Split(share, served, total, served / total)
        return Split(share, self.canary + served, self.total + total, served / total)

    @property
    def differs(self) -> bool:
        """In the last window the canary's part was outside the band."""
        return self.total > 0 and abs(self.last - self.share) > self._band

    def mismatch(self, dispersion: float) -> float:
        """The log evidence that the canary does not get the share that was set."""
        if not 0 < self.share < 1 or not self.total:
            return 0.0
        noise = max(NOISE, dispersion)
        n, total = self.canary / noise, self.total / noise
        bets = []
        for edge, up in ((self.share + self._band, True), (self.share - self._band, False)):
            odds = edge / (1 - edge)
            for factor in ODDS:
                beyond = odds * factor if up else odds / factor
                bets.append((1 / (2 * len(ODDS)), log_rate(n, total, beyond / (1 + beyond), edge)))
        return log_sum(*bets)

    def expected(self, total: int) -> float:
        """The canary's requests of so many."""
        return self.share * total

    def falls_short(self, canary: int, total: int, dispersion: float) -> bool:
        """One window in which fewer of the canary's requests ended than the share makes, beyond band and chance.

        What has not been answered is not counted yet: this is how a canary that hangs looks before its callers' proxies
        give up. A window that is short by chance only costs a wait.
        """
        spread = sqrt(max(NOISE, dispersion) * self.expected(total) * (1 - self.share))
        return canary < self.expected(total) - max(CHANCE * spread, self._band * total)

    @property
    def _band(self) -> float:
        return BAND * min(self.share, 1 - self.share)


def enough(split: Split, dispersion: float, alpha: float) -> bool:
    """The mismatch is proved, and still there."""
    return split.differs and split.mismatch(dispersion) >= log(1 / alpha)
