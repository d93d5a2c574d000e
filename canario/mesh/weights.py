"""A share as the pair of integers that a dialect writes down, and back."""

from collections.abc import Iterator
from math import ceil

from canario.errors import InvalidInput

APP_MESH_LARGEST = 100
GATEWAY_LARGEST = 1_000_000

_CANARY_WEIGHTS_TRIED = 100


def weights(share: float, *, largest: int) -> tuple[int, int]:
    """The (baseline, canary) weights, each 0 to `largest`, whose share is nearest to `share` from below.

    Exactly 0 and 1 are written exactly. A share below the smallest one that can be written, 1 in `largest` +
    1, becomes that one: the only case in which more is written than was asked. Weights that add up to
    `largest` (percentages, in App Mesh) are preferred where they are as near. Raises InvalidInput when
    `share` is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise InvalidInput("share", share, "a number from 0 to 1")
    if share in (0, 1):
        return (largest, 0) if share == 0 else (0, largest)
    smallest = (largest, 1)
    if share <= share_of(smallest):
        return smallest
    allowed = [pair for pair in _candidates(share, largest) if share_of(pair) <= share]
    return max(allowed, key=lambda pair: (share_of(pair), sum(pair) == largest), default=smallest)


def share_of(pair: tuple[int, int]) -> float:
    """The canary's share in (baseline, canary) weights; 0 when both are 0, for then it gets nothing."""
    baseline, canary = pair
    return canary / (baseline + canary) if canary else 0.0


def _candidates(share: float, largest: int) -> Iterator[tuple[int, int]]:
    whole = int(share * largest)
    yield from ((largest - canary, canary) for canary in (whole, whole + 1) if 0 < canary <= largest)
    for canary in range(1, min(largest, _CANARY_WEIGHTS_TRIED) + 1):
        baseline = ceil(canary * (1 - share) / share)
        if baseline <= largest:
            yield baseline, canary
