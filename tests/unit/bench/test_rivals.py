"""The rivals' rules, at the edges that their own sources and documentation state."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from bench.canary.rivals import appmesh_sample, argo, codedeploy, flagger, kayenta
from bench.canary.rule import PROMOTED, ROLLED_BACK, RUNNING, Rule, Setting
from bench.canary.scenarios import Service
from bench.canary.world import Minute

SERVICE = Service(6000, 0.002)
NO_DATA = None
Seen = tuple[int, int] | None  # the canary's requests and errors; None: no data


def minute(canary: Seen, baseline: tuple[int, int] = (5400, 11), slow: int | None = None) -> Minute:
    """One run of one setting."""
    n, x = canary or (0, 0)

    def one(value: float) -> Any:
        return np.array([[value]])

    slows = () if slow is None else (one(slow), one(0))
    return Minute(one(n), one(x), one(baseline[0]), one(baseline[1]), one(canary is not None), one(0.0), *slows)


def play(rule: Rule, setting: Setting, minutes: Iterable[Minute]) -> tuple[list[float], list[int]]:
    """The shares, the first one included, and the outcomes, as far as the end."""
    rule.settings = [setting]
    shares, outcomes = [float(rule.begin(SERVICE, (1, 1))[0, 0])], []
    for number, each in enumerate(minutes):
        share, outcome = rule.judge(number, each)
        outcomes.append(int(outcome[0, 0]))
        if outcomes[-1] != RUNNING:
            break
        shares.append(round(float(share[0, 0]), 6))
    return shares, outcomes


def documented(found: list[Setting], part: str) -> Setting:
    return next(each for each in found if each.documented and part in each.name)


class TestFlagger:
    """fluxcd/flagger, pkg/controller/scheduler.go and docs/gitbook."""

    setting = documented(flagger.settings(), "tutorial")  # threshold 5, stepWeight 10, maxWeight 50

    def test_passed_analyses_raise_the_weight_and_promote(self) -> None:
        """The first step is taken with no analysis; at maxWeight the next analysis that passes promotes."""
        shares, outcomes = play(flagger.Flagger(), self.setting, [minute((600, 0))] * 9)

        assert shares == [0.1, 0.2, 0.3, 0.4, 0.5]
        assert outcomes == [*[RUNNING] * 4, PROMOTED]

    def test_the_rollback_comes_one_interval_after_the_last_failure(self) -> None:
        """FailedChecks is compared before the analysis, so the fifth failure is acted on at the sixth tick."""
        shares, outcomes = play(flagger.Flagger(), self.setting, [minute((600, 60))] * 9)

        assert shares == [0.1] * 6
        assert outcomes == [*[RUNNING] * 5, ROLLED_BACK]

    def test_a_success_lowers_nothing(self) -> None:
        """Failures need not be consecutive."""
        mixed = [minute((600, 60)), minute((600, 0))] * 3 + [minute((600, 60))] * 2

        assert play(flagger.Flagger(), self.setting, [*mixed, minute((600, 0))])[1][-1] == ROLLED_BACK

    @pytest.mark.parametrize("nothing", [NO_DATA, (0, 0)])
    def test_no_values_are_a_failure(self, nothing: Seen) -> None:
        assert play(flagger.Flagger(), self.setting, [minute(nothing)] * 9)[1] == [*[RUNNING] * 5, ROLLED_BACK]

    @pytest.mark.parametrize(("errors", "share"), [(6, 0.2), (7, 0.1)])
    def test_exactly_the_minimum_passes(self, errors: int, share: float) -> None:
        """A success rate below 99 % fails; 99 % is not below."""
        assert play(flagger.Flagger(), self.setting, [minute((600, errors))])[0][-1] == share

    @pytest.mark.parametrize(("slow", "share"), [(6, 0.2), (7, 0.1)])
    def test_the_duration_is_a_check_too(self, slow: int, share: float) -> None:
        """P99 is above its maximum when more than 1 % are slower."""
        assert play(flagger.Flagger(), self.setting, [minute((600, 0), slow=slow)])[0][-1] == share


class TestArgo:
    """argoproj/argo-rollouts, analysis/analysis.go and docs/features/analysis.md."""

    setting = documented(argo.settings(), "background")  # failureLimit 3, interval 5, from the second step

    def test_the_steps_of_the_documentation(self) -> None:
        shares, outcomes = play(argo.Argo(), self.setting, [minute((600, 0))] * 50)

        assert shares[::10] == [0.2, 0.4, 0.6, 0.8]
        assert (len(outcomes), outcomes[-1]) == (40, PROMOTED)

    def test_more_failures_than_the_limit_abort(self) -> None:
        """Three failed measurements are within failureLimit 3; the fourth, 20 minutes after startingStep, is not."""
        assert play(argo.Argo(), self.setting, [minute((600, 60))] * 50)[1] == [*[RUNNING] * 29, ROLLED_BACK]

    def test_startingstep_spares_the_first(self) -> None:
        """What fails before the second step is not measured."""
        early = [minute((600, 60))] * 10 + [minute((600, 0))] * 30

        assert play(argo.Argo(), self.setting, early)[1][-1] == PROMOTED

    @pytest.mark.parametrize(("errors", "outcome"), [(30, RUNNING), (31, ROLLED_BACK)])
    def test_the_default_limit_of_failures_is_none(self, errors: int, outcome: int) -> None:
        """result[0] >= 0.95 succeeds at 0.95; one measurement below aborts."""
        strict = documented(argo.settings(), "failureLimit's default")

        assert play(argo.Argo(), strict, [minute((600, errors))] * 5)[1][-1] == outcome

    def test_nan_fails(self) -> None:
        """No requests: 0/0 is not at least 0.95."""
        strict = documented(argo.settings(), "failureLimit's default")

        assert play(argo.Argo(), strict, [minute((0, 0))] * 5)[1][-1] == ROLLED_BACK

    def test_consecutive_errors_abort_after_the_fourth(self) -> None:
        """A query without an answer is an error, not a failure: five in a row are more than 4."""
        strict = Setting("", True, {**self.setting.values, "interval": 1, "from": 0})

        assert play(argo.Argo(), strict, [minute(NO_DATA)] * 9)[1] == [*[RUNNING] * 4, ROLLED_BACK]
        interrupted = [*[minute(NO_DATA)] * 4, minute((600, 0)), *[minute(NO_DATA)] * 4]
        assert play(argo.Argo(), strict, interrupted)[1] == [RUNNING] * 9


class TestKayenta:
    """spinnaker/kayenta, MannWhitneyClassifier, MannWhitney, WeightedSumScorer."""

    setting = documented(kayenta.settings(), "documented")

    @pytest.mark.parametrize("seed", range(6))
    def test_its_interval_is_the_one_of_its_source(self, seed: int) -> None:
        """Order statistics of the differences give the ends that root finding on the rank sum gives."""
        draw = np.random.default_rng(seed)
        canary, baseline = draw.normal(0.3 * seed, 1, 18), draw.normal(0, 1, 20)
        lower, estimate = (_root(canary, baseline, z) for z in (norm.ppf(0.99), 0.0))

        found = kayenta.interval(canary, baseline, 0.98)
        assert found == pytest.approx((lower, estimate), abs=0.02 if seed else 0.05)
        assert kayenta.is_high(canary, baseline, 0.98, 0.25) == (lower > 0.25 * abs(estimate))

    def test_what_it_says_of_odd_series(self) -> None:
        """Equal series pass, tied ones cannot be told apart, none is Nodata; NaN is removed."""
        ones, nan = np.ones(20), np.full(20, np.nan)

        assert kayenta.is_high(np.arange(20.0), np.arange(20.0), 0.98, 0.25) is False
        assert kayenta.is_high(ones, ones[:10], 0.98, 0.25) is False
        assert kayenta.is_high(nan, ones, 0.98, 0.25) is None
        assert kayenta.is_high(np.r_[nan, np.arange(20.0) + 100], np.arange(20.0), 0.98, 0.25) is True

    def test_three_looks(self) -> None:
        """A worse canary ends at the first look, one like the baseline passes at the third."""
        draw = np.random.default_rng(5)

        def minutes(rate: float) -> list[Minute]:
            pairs = ((draw.binomial(600, rate), draw.binomial(5400, 0.01)) for _ in range(60))
            return [minute((600, x), (5400, y)) for x, y in pairs]

        assert play(kayenta.Kayenta(), self.setting, minutes(0.05))[1] == [*[RUNNING] * 19, ROLLED_BACK]
        assert play(kayenta.Kayenta(), self.setting, minutes(0.01))[1] == [*[RUNNING] * 59, PROMOTED]

    def test_no_data_scores_nothing(self) -> None:
        assert play(kayenta.Kayenta(), self.setting, [minute(NO_DATA)] * 60)[1][-1] == ROLLED_BACK


def _root(canary: np.ndarray, baseline: np.ndarray, z: float) -> float:
    """Where the rank sum's deviation, in its own standard deviations and with its correction, is z: by halving."""
    n, m = len(canary), len(baseline)
    low, high = canary.min() - baseline.max(), canary.max() - baseline.min()
    for _ in range(80):
        middle = (low + high) / 2
        deviation = rankdata(np.r_[canary - middle, baseline])[:n].sum() - n * (n + 1) / 2 - n * m / 2
        corrected = deviation - (0.5 * np.sign(deviation) if z else 0)
        low, high = (middle, high) if corrected / np.sqrt(n * m * (n + m + 1) / 12) > z else (low, middle)
    return (low + high) / 2


class TestCodeDeploy:
    """The CodeDeploy and CloudWatch user guides."""

    setting = documented(codedeploy.settings(), "Canary10Percent5Minutes")

    def test_canary_takes_the_rest_at_once(self) -> None:
        shares, outcomes = play(codedeploy.CodeDeploy(), self.setting, [minute((600, 0))] * 9)

        assert shares == [0.1] * 5
        assert outcomes == [*[RUNNING] * 4, PROMOTED]

    def test_linear_takes_ten_parts(self) -> None:
        linear = documented(codedeploy.settings(), "Linear10PercentEvery1Minute")
        shares, outcomes = play(codedeploy.CodeDeploy(), linear, [minute((600, 0))] * 12)

        assert shares == pytest.approx([0.1 * part for part in range(1, 10)])
        assert outcomes[-1] == PROMOTED

    def test_two_periods_with_an_error_alarm(self) -> None:
        """EvaluationPeriods 2, Threshold 0, GreaterThanThreshold: one error in each of two minutes."""
        assert play(codedeploy.CodeDeploy(), self.setting, [minute((600, 1))] * 5)[1] == [RUNNING, ROLLED_BACK]
        apart = [minute((600, x)) for x in (1, 0, 1, 0, 1)]
        assert play(codedeploy.CodeDeploy(), self.setting, apart)[1][-1] == PROMOTED

    def test_a_period_without_data_is_passed_over(self) -> None:
        """It breaches nothing, and ends no streak."""
        assert play(codedeploy.CodeDeploy(), self.setting, [minute(NO_DATA)] * 5)[1][-1] == PROMOTED
        streak = [minute((600, 1)), minute(NO_DATA), minute((600, 1))]
        assert play(codedeploy.CodeDeploy(), self.setting, streak)[1] == [RUNNING, RUNNING, ROLLED_BACK]


class TestAppMeshSample:
    """CANARY's description of it."""

    setting = documented(appmesh_sample.settings(), "described")

    def test_both_versions_errors_count(self) -> None:
        """A canary without a failure is rolled back for what the baseline fails."""
        outcomes = play(appmesh_sample.AppMeshSample(), self.setting, [minute((600, 0), (5400, 3))] * 5)[1]

        assert outcomes == [*[RUNNING] * 4, ROLLED_BACK]

    def test_the_window_is_longer_than_the_step(self) -> None:
        """Errors of the step before are still in the sum."""
        rule = appmesh_sample.AppMeshSample()
        early = [minute((600, 2), (5400, 0))] * 5 + [minute((600, 1), (5400, 0))] * 5

        assert play(rule, self.setting, early)[1] == [*[RUNNING] * 9, ROLLED_BACK]

    def test_no_data_is_healthy(self) -> None:
        assert play(appmesh_sample.AppMeshSample(), self.setting, [minute(NO_DATA)] * 60)[1][-1] == PROMOTED


def test_every_rule_has_documented_and_tuned_settings_of_different_names() -> None:
    for module in (appmesh_sample, argo, codedeploy, flagger, kayenta):
        found = module.settings()

        assert {True, False} == {each.documented for each in found}
        assert len(found) == len({each.name for each in found})
        assert all(each.scheduled for each in found if each.documented)
