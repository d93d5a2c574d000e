"""The bench's own arithmetic, and a small run of all of it."""

import numpy as np
import pytest

from bench.canary import bound, report, tuning
from bench.canary.measures import geometric, mean, part
from bench.canary.product import Canario, Late
from bench.canary.rivals.flagger import Flagger
from bench.canary.rule import HELD, PROMOTED, ROLLED_BACK, Runs, Setting, simulate
from bench.canary.run import PLANS, RIVALS, Job, chosen, one
from bench.canary.scenarios import Scenario, Service, grid
from bench.canary.world import World

QUIET = Service(600, 0.01)


@pytest.mark.parametrize(
    ("rates", "requests"),
    [((0.001, 0.002), 136_000), ((0.001, 0.005), 13_800), ((0.001, 0.05), 501)],
)
def test_the_bound_is_the_one_of_the_table(rates: tuple[float, float], requests: int) -> None:
    """CANARY section 7, at a share of 10 % and α = 1 %."""
    assert bound.fewest_requests(*rates, 0.1, 0.01) == pytest.approx(requests, rel=0.01)


def test_wilson() -> None:
    """The textbook's intervals; nothing found of many still has an upper end."""
    assert (part(0, 200).low, part(0, 200).high) == pytest.approx((0, 0.01884), abs=1e-4)
    assert (part(10, 100).low, part(10, 100).high) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert part(7, 7).high == 1


def test_the_bootstrap_holds_its_mean() -> None:
    found = mean(np.arange(100.0), seed=3)

    assert found == mean(np.arange(100.0), seed=3)
    assert found.low < found.value == 49.5 < found.high
    assert geometric([1, 100]) == pytest.approx(10)


def test_names_are_unique_and_truths_are_true() -> None:
    """A scenario is bad from r₁ on, and only where it is above the tolerated rate."""
    found = grid()

    assert len(found) == len({each.name for each in found})
    for each in found:
        canary, baseline = each.rates(3)
        if each.truth == "bad" and each.slow is None:
            assert canary >= max(2 * baseline, 0.001)
        if each.truth == "null":
            assert canary == baseline
        if each.truth == "tolerated":
            assert baseline < canary <= 0.001


def test_chance_is_the_seeds_alone() -> None:
    """The same seed and shares give the same minutes; another seed others."""
    share = np.full((2, 5), 0.1)
    scenario = next(each for each in grid() if each.what == "one bad pod of ten")
    gone = np.zeros((2, 5), dtype=bool)

    def errors(seed: int) -> list[int]:
        return World(scenario, np.random.SeedSequence(seed)).minute(0, share, gone).canary_errors.ravel().tolist()

    assert errors(1) == errors(1) != errors(2)


def test_the_world_is_as_its_scenario_says() -> None:
    """Counts, on average; a canary that is five times worse has four times the baseline's failures as its extra."""
    scenario = Scenario(Service(6000, 0.01), "", "bad", ratio=lambda _: 5.0, slow=(0.02, 0.002), missing=0.25)
    seen = World(scenario, np.random.SeedSequence(4)).minute(0, np.full((1, 4000), 0.1))

    assert seen.canary.mean() == pytest.approx(600, rel=0.01)
    assert seen.canary_errors.mean() == pytest.approx(30, rel=0.02)
    assert seen.baseline_errors.mean() == pytest.approx(54, rel=0.02)
    assert seen.canary_slow is not None
    assert seen.canary_slow.mean() == pytest.approx(12, rel=0.02)
    assert seen.extra.mean() == pytest.approx(600 * (0.04 + 0.018), rel=0.01)
    assert seen.known.mean() == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(("cluster", "noise", "times"), [(1, 0.0, 1.0), (5, 0.0, 5.0), (1, 0.05, 3.97)])
def test_noises_have_their_variance(cluster: int, noise: float, times: float) -> None:
    """Clusters of c make the variance c-fold, gamma noise of variance v adds v × mean²; pods or not."""
    for pods in (0, 10):
        scenario = Scenario(Service(6000, 0.01), "", "approximate", cluster=cluster, node_noise=noise, pods=pods)
        errors = World(scenario, np.random.SeedSequence(6)).minute(0, np.zeros((1, 6000))).baseline_errors[0]

        assert errors.mean() == pytest.approx(60, rel=0.03)
        assert errors.var() == pytest.approx(60 * times, rel=0.12)


def test_a_tiny_run_is_the_same_twice() -> None:
    """Every rule over one scenario, by its seed; every run ends, and a healthy canary does no harm."""
    (place,) = chosen("600 rpm 1 %: healthy")[:1]
    job = Job(place, minutes=30, repetitions=2, rival_repetitions=2, seed=1)
    first, second = one(job), one(job)

    assert len(first) == len(RIVALS) + 2
    for runs, again in zip(first, second, strict=True):
        assert np.array_equal(runs.outcome, again.outcome)
        assert set(np.unique(runs.outcome)) <= {PROMOTED, ROLLED_BACK, HELD}
        assert not runs.extra_in_all.any()


def test_the_product_finds_what_is_plain() -> None:
    """A canary that fails half of its requests costs no more than a few, and is never promoted."""
    scenario = Scenario(Service(6000, 0.002), "", "bad", ratio=lambda _: 250.0)
    runs = simulate(Canario(60, {"default": {}}, scenario), scenario, 60, 5, np.random.SeedSequence(9))

    assert (runs.outcome == ROLLED_BACK).all()
    assert runs.extra.mean() < 60
    assert np.array_equal(runs.extra, runs.extra_in_all)


def test_a_minute_late_costs_minutes_and_no_more_evidence() -> None:
    """Each change of share takes two minutes: promotion is later, by about the number of changes."""
    scenario = Scenario(Service(6000, 0.002), "", "null")
    minutes = [
        simulate(kind(60, {"default": {}}, scenario), scenario, 60, 8, np.random.SeedSequence(2)).minutes.mean()
        for kind in (Canario, Late)
    ]

    assert minutes[0] + 4 < minutes[1] < minutes[0] + 15


def test_a_missed_canary_does_harm_for_as_long_again() -> None:
    """Flagger's tutorial promotes a canary of twice 0.2 % in 5 minutes; it has all traffic until minute 60."""
    scenario = Scenario(Service(6000, 0.002), "", "bad", ratio=lambda _: 2.0)
    rule = Flagger()
    runs = simulate(rule, scenario, 30, 4, np.random.SeedSequence(3))
    tutorial = [each.name for each in rule.settings].index("documented (tutorial)")

    assert (runs.outcome[tutorial] == PROMOTED).all()
    assert runs.extra_in_all[tutorial].mean() == pytest.approx(55 * 12 + 5 * 0.3 * 12, rel=0.02)


def table(outcomes: list[list[int]], extra: list[list[float]]) -> tuning.Table:
    """Two settings over a healthy and a bad scenario; one run each."""
    runs = [
        Runs(np.array(outcome)[:, None], np.ones((2, 1)), np.array(more)[:, None], np.array(more)[:, None])
        for outcome, more in zip(outcomes, extra, strict=True)
    ]
    return tuning.Table("rule", [Setting("strict", False, {}), Setting("lax", False, {})], runs)


def test_tuning_takes_the_least_harm_that_is_quiet_enough() -> None:
    """The strict setting does less harm, but rolls back the healthy canary: only at 100 % is it allowed."""
    scenarios = [Scenario(QUIET, "healthy", "null"), Scenario(QUIET, "ratio 5", "bad")]
    found = tuning.points(table([[ROLLED_BACK, PROMOTED], [ROLLED_BACK] * 2], [[0, 0], [9, 99]]), scenarios)

    assert [(1.0, pytest.approx(10)), (0.0, pytest.approx(100))] == [(each.false, each.harm) for each in found]
    best = [tuning.best(found, false) for false in (0.01, 1.0)]
    assert [1, 0] == [each and each.setting for each in best]
    assert [1, 0] == [each.setting for each in tuning.frontier(found)]
    assert tuning.best([found[0]], 0.01) is None


def test_ratios_are_beside_the_best_rival_of_each_scenario() -> None:
    scenarios = [Scenario(QUIET, "healthy", "null"), Scenario(QUIET, "ratio 5", "bad")]
    mine, rival = (table([[PROMOTED] * 2, [ROLLED_BACK] * 2], [[0, 0], [more, more]]) for more in (4, 9))

    assert [(scenarios[1], "rule", pytest.approx(0.5))] == tuning.ratios(mine, 0, {"rule": (rival, 1)}, scenarios)
    assert any("geometric mean 0.5" in line for line in report.compared("how", [(scenarios[1], "rule", 0.5)]))


def test_canario_has_its_default_plan_first() -> None:
    """The report's column of Canario is setting 0."""
    assert "default" == next(iter(PLANS))
    assert {} == PLANS["default"]
