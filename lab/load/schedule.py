"""When requests start."""

import random
from collections.abc import Iterator
from enum import StrEnum
from itertools import count


class Spacing(StrEnum):
    """How starts are spread: like independent users, or evenly."""

    POISSON = "poisson"
    CONSTANT = "constant"


def starts(rate: float, spacing: Spacing, seed: int) -> Iterator[float]:
    """Seconds from the beginning to each start, without end; `rate` is the mean a second."""
    if spacing is Spacing.CONSTANT:
        yield from (number / rate for number in count())
    chance = random.Random(seed)
    at = 0.0
    while True:
        at += chance.expovariate(rate)
        yield at
