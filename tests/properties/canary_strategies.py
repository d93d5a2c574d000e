"""Plans, and windows as a service may have them: any counts, absent data, gaps, shares that are nearly right."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from canario.canary import Counts, Guard, Observation, Plan, Rollout, Step, Tally

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)

shares = st.floats(0.01, 0.9)
steps = st.lists(shares, min_size=1, max_size=4, unique=True).flatmap(
    lambda values: st.tuples(*(st.builds(Step, st.just(each), st.integers(1, 3)) for each in sorted(values)))
)
ramps = st.builds(
    Plan,
    window_seconds=st.sampled_from([5, 60]),
    deadline_windows=st.integers(2, 40),
    alpha=st.sampled_from([0.001, 0.01, 0.5]),
    beta=st.sampled_from([0.05, 0.5]),
    r0=st.sampled_from([0.5, 1, 1.5]),
    r1=st.sampled_from([1.6, 2, 10]),
    tolerated_rate=st.sampled_from([0, 0.001, 0.1]),
    harm_budget=st.sampled_from([0.5, 10, 1000]),
    smallest_share=st.sampled_from([0, 1 / 101]),
    largest_share=st.sampled_from([0.05, 0.5, 0.9]),
    watch_windows=st.integers(0, 3),
    latency_edges=st.sampled_from([(), (5.0, 10.0)]),
)
clocks = st.builds(Plan, deadline_windows=st.integers(13, 40), beta=st.sampled_from([0.05, 0.5]), steps=steps)
guarded = st.builds(
    Plan,
    deadline_windows=st.integers(5, 40),
    absent_deadline_windows=st.integers(1, 10),
    alpha=st.sampled_from([0.01, 0.5]),
    beta=st.sampled_from([0.05, 0.5]),
    noise_windows=st.integers(1, 3),
    watch_windows=st.integers(0, 5),
    watch_run_length=st.sampled_from([10, 1e5]),
    guards=st.sampled_from(
        [
            (Guard("errors", "errors"), Guard("latency", "latency", r1=1.5, edges=(5.0, 10.0))),
            (Guard("latency", "latency", edges=(5.0,)), Guard("slow", "limit", edges=(10.0,), most=0.3)),
            (Guard("errors", "errors"), Guard("most", "limit", most=0.05), Guard("faults", "faults", weight=3)),
            (Guard("errors", "errors"), Guard("latency", "latency", edges=(5.0, 10.0), muted=True)),
        ]
    ),
)
plans = ramps | clocks | guarded

rates = st.sampled_from([0, 0, 0.001, 0.01, 0.5, 1])


@dataclass(frozen=True)
class Weather:
    """One window's chance, before the share is known."""

    requests: int
    canary_rate: float
    baseline_rate: float
    in_force: float  # × the share decided
    gap: int  # windows that never came before this one
    absent: str
    pods: int = 0
    same_code: bool = False

    def observe(self, rollout: Rollout, after: datetime) -> Observation:
        """The window that follows `after`."""
        share = min(1.0, rollout.share * self.in_force)
        served = round(self.requests * share)
        latency = self.absent != "latency"
        canary = _counts(rollout.plan, served, self.canary_rate, self.pods, latency=latency)
        baseline = _counts(rollout.plan, self.requests - served, self.baseline_rate, self.pods, latency=latency)
        length = timedelta(seconds=rollout.plan.window_seconds)
        start = after + self.gap * length
        return Observation(
            start,
            start + length,
            share,
            None if self.absent in ("canary", "both") else canary,
            None if self.absent in ("baseline", "both") else baseline,
            self.same_code,
        )


weather = st.builds(
    Weather,
    requests=st.sampled_from([0, 1, 30, 600, 6000, 10**6, 10**12]),
    canary_rate=rates,
    baseline_rate=rates,
    in_force=st.sampled_from([1, 1, 1, 0.97, 1.02, 0.4, 0]),
    gap=st.sampled_from([0, 0, 0, 1, 5]),
    absent=st.sampled_from(["", "", "", "", "canary", "baseline", "both", "latency"]),
    pods=st.sampled_from([0, 0, 1, 3]),
    same_code=st.sampled_from([False, False, False, False, True]),
)
weathers = st.lists(weather, min_size=1, max_size=40)


def _counts(plan: Plan, requests: int, rate: float, pods: int, *, latency: bool) -> Counts:
    errors = round(requests * rate)
    each = Tally(requests // pods, 0) if pods else None
    ill = Tally(requests // pods, min(errors, requests // pods)) if pods else None  # all failures are the first pod's
    seen = {f"pod-{n}": each if n else ill for n in range(pods)}
    slower = (requests // 2,) * len(plan.edges) if latency else None
    return Counts(
        requests, errors, slower, Tally(requests // 20, errors // 20), pods={k: v for k, v in seen.items() if v}
    )
