"""Kayenta: Mann-Whitney on the two nodes' minutes, with a score at every look.

From spinnaker/kayenta:
- kayenta-judge/…/NetflixACAJudge.scala, `classifyMetric`: MannWhitneyClassifier(fraction = 0.25, confLevel = 0.98).
- kayenta-judge/…/classifiers/metric/MannWhitneyClassifier.scala, `classify`: no data → Nodata; equal series → Pass;
  High when the interval's lower end exceeds fraction × |estimate| (Hodges-Lehmann).
- kayenta-mannwhitney/…/MannWhitney.scala, `calculateConfidenceInterval`: asymptotic, with continuity correction 0.5 and
  correction for ties; an error when all observations are tied.
- kayenta-judge/…/scorers/WeightedSumScorer.scala: the part of the metrics that pass × 100; a group without data adds
  nothing, so that no data at all scores 0.
- The canary stage: score thresholds marginal 75, pass 95; a look with a score of at most marginal ends it, the last one
  has to reach pass. Three looks, each 20 minutes after the one before, over all minutes so far (lookback GROWING).
The canary's share is fixed. A minute without requests is NaN and removed (`Transforms.removeNaNs`); outliers are kept.
A metric of which all values are tied cannot be told from one like the baseline: Pass.
"""

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from bench.canary.rule import PROMOTED, ROLLED_BACK, RUNNING, Rule, Setting
from bench.canary.scenarios import Service
from bench.canary.world import Minute

FRACTION, CONFIDENCE, MARGINAL, PASS = 0.25, 0.98, 75.0, 95.0
LOOKS, INTERVAL = 3, 20

Series = NDArray[np.float64]


def settings() -> list[Setting]:
    documented = {"confidence": CONFIDENCE, "fraction": FRACTION, "interval": INTERVAL, "share": 0.1}
    found = [Setting("documented", True, documented)]
    for confidence in (0.9, 0.98, 0.998, 0.9998):
        for fraction in (0.0, 0.25):
            for interval in (5, 10, 20):
                for share in (0.01, 0.1):
                    name = (
                        f"confidence {confidence:g}, tolerance {fraction:g}, each {interval} min at {100 * share:g} %"
                    )
                    values = {"confidence": confidence, "fraction": fraction, "interval": interval, "share": share}
                    found.append(Setting(name, False, values, scheduled=share == 0.1))
    return found


def is_high(canary: Series, baseline: Series, confidence: float, fraction: float) -> bool | None:
    """Whether the metric is High; None: no data."""
    canary, baseline = canary[~np.isnan(canary)], baseline[~np.isnan(baseline)]
    if not len(canary) or not len(baseline):
        return None
    if len(canary) == len(baseline) and bool(np.all(canary == baseline)):
        return False
    both = np.concatenate([canary, baseline])
    if np.all(both == both[0]):
        return False
    lower, estimate = interval(canary, baseline, confidence)
    return bool(lower > fraction * abs(estimate))


def interval(canary: Series, baseline: Series, confidence: float) -> tuple[float, float]:
    """The lower end and the estimate of canary − baseline: root finding on the rank sum, by order statistics."""
    differences = np.sort((canary[:, None] - baseline[None, :]).ravel())
    lower = _at(differences, _spread(canary, baseline) * norm.ppf((1 + confidence) / 2) + 0.5)
    return lower, _at(differences, 0.0)


def _spread(canary: Series, baseline: Series) -> float:
    """The standard deviation of the rank sum, corrected for the ties that stay when one series is shifted."""
    n, m = len(canary), len(baseline)
    ties = sum(
        float(((count := np.unique(each, return_counts=True)[1]) ** 3 - count).sum()) for each in (canary, baseline)
    )
    return sqrt(n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1))))


def _at(differences: Series, above: float) -> float:
    """The shift at which the pairs in which the canary is larger are half of all, and `above` more."""
    place = len(differences) / 2 - above
    if place <= 0:
        return float(differences[0])
    if place == int(place):
        return float(differences[int(place) - 1] + differences[min(int(place), len(differences) - 1)]) / 2
    return float(differences[int(place)])


class Kayenta(Rule):
    name = "Kayenta"

    def __init__(self) -> None:
        self.settings = settings()

    def begin(self, service: Service, shape: tuple[int, int]) -> NDArray[np.float64]:
        self._series: list[tuple[Series, ...]] = []
        self._share = np.broadcast_to(self.column("share"), shape).copy()
        self._ended = np.zeros(shape, dtype=bool)
        return self._share

    def judge(self, number: int, minute: Minute) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        self._series.append(_minute(minute))
        outcome = np.full(self._share.shape, RUNNING)
        for row, setting in enumerate(self.settings):
            look, rest = divmod(number + 1, int(setting.values["interval"]))
            if rest or look > LOOKS:
                continue
            for run in np.flatnonzero(~self._ended[row]):
                score = self._score(row, int(run), setting)
                if score <= MARGINAL:
                    outcome[row, run] = ROLLED_BACK
                elif look == LOOKS:
                    outcome[row, run] = PROMOTED if score >= PASS else ROLLED_BACK
            self._ended[row] |= outcome[row] != RUNNING
        return self._share, outcome

    def _score(self, row: int, run: int, setting: Setting) -> float:
        found = []
        for metric in range(0, len(self._series[0]), 2):
            canary, baseline = (np.array([each[metric + node][row, run] for each in self._series]) for node in (0, 1))
            found.append(is_high(canary, baseline, setting.values["confidence"], setting.values["fraction"]))
        known = [each for each in found if each is not None]
        return 100.0 * sum(not each for each in known) / len(known) if known else 0.0


def _minute(minute: Minute) -> tuple[Series, ...]:
    """The rates of errors, and of slow requests where there are, of canary and baseline; NaN without requests."""
    pairs = [(minute.canary_errors, minute.canary), (minute.baseline_errors, minute.baseline)]
    if minute.canary_slow is not None and minute.baseline_slow is not None:
        pairs += [(minute.canary_slow, minute.canary), (minute.baseline_slow, minute.baseline)]
    return tuple(np.where(minute.known & (n > 0), x / np.maximum(n, 1), np.nan) for x, n in pairs)
