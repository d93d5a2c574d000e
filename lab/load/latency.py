"""Quantiles of a stream of latencies in constant memory."""

import math
from collections import Counter
from collections.abc import Iterable

_GROWTH = 1.02  # between the bounds of neighbouring buckets: a quantile is at most 2 % too high
_LEAST_MS = 0.01


class Latencies:
    """Counts by logarithmic bucket."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()

    def add(self, milliseconds: float) -> None:
        self._buckets[math.ceil(math.log(max(milliseconds, _LEAST_MS) / _LEAST_MS, _GROWTH))] += 1

    def quantiles(self, wanted: Iterable[float]) -> list[float | None]:
        """For each of `wanted` (0 to 1) the milliseconds that so many did not exceed; None without data."""
        return [self._quantile(share) for share in wanted]

    def _quantile(self, share: float) -> float | None:
        rank = math.ceil(share * self._buckets.total())
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return round(_LEAST_MS * _GROWTH**bucket, 3)
        return None
