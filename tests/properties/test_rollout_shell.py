"""A rollout as its machine runs it, whatever traffic, people, alarms and killed workers do meanwhile."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from canario.canary import Plan, ending, intervention, steps, watchdog
from canario.canary.carried import Carried
from canario.canary.gates import Gates
from canario.canary.instructions import standing
from canario.canary.ports import NodeCounts
from canario.errors import CanarioError, Drift, NotWaiting, Stopped
from tests.fakes import NOW
from tests.fakes.rollouts import FakeExecutions
from tests.unit.lambdas.rollouts import TARGET, Lab, begun, through_json

WINDOW = timedelta(seconds=5)
PLAN = Plan(window_seconds=5, deadline_windows=40, harm_budget=50, largest_share=0.8)
OWNER = "arn:execution"


class Rollout(RuleBasedStateMachine):
    """Every step may be run twice, as after a killed worker; what it carries goes through JSON each time."""

    def __init__(self) -> None:
        super().__init__()
        self.lab = Lab()
        self.now = NOW
        self.carried: Carried | None = None
        self.ended: str | None = None
        self.edited = False
        self.highest = 0.0  # of the shares that the rollout wrote

    @initialize(gates=st.sampled_from([(), (0.0,), (0.1, 0.5), (0.8,)]))
    def start(self, gates: tuple[float, ...]) -> None:
        self.carried = begun(self.lab, PLAN, gates=Gates(gates), alarms=("a",))

    @property
    def running(self) -> Carried:
        assert self.carried is not None
        return self.carried

    @precondition(lambda self: self.ended is None)
    @rule(
        served=st.tuples(st.integers(0, 5000), st.floats(0, 0.02), st.floats(0, 0.2)) | st.none(),
        twice=st.booleans(),
    )
    def window(self, served: tuple[int, float, float] | None, twice: bool) -> None:
        """One window passes, with this traffic or with no data, and the machine takes its turn."""
        if served is not None:
            self.serve(*served)
        self.now += WINDOW
        try:
            after = self.turn(self.running, 1 + twice)
        except (Drift, Stopped) as error:
            self.roll_back(error)
            return
        self.carried = after
        self.highest = max(self.highest, after.written)
        if after.decision and after.decision["kind"] == "rollback":
            self.carried = ending.roll_back(after, self.lab.world, self.now)
        if after.outcome:
            self.end()

    @precondition(lambda self: self.ended is None)
    @rule(kind=st.sampled_from(["approve", "pause", "resume", "abort"]))
    def word(self, kind: str) -> None:
        """A person says something; an approval where no gate is closed is refused and changes nothing."""
        try:
            intervention.instruct("r1", kind, "ana", "", self.lab.world, self.now)
        except NotWaiting:
            assert kind == "approve"

    @precondition(lambda self: self.ended is None)
    @rule()
    def alarm(self) -> None:
        """Its rollback is at once, whatever the machine does next."""
        intervention.alarm("a", "", self.lab.world, self.now)

        assert self.lab.share == 0

    @precondition(lambda self: self.ended is None)
    @rule(share=st.sampled_from([0.0, 0.25, 1.0]))
    def edit(self, share: float) -> None:
        """A person writes the router by hand."""
        self.edited = self.edited or dict(self.lab.routers.set(TARGET, share, "kubectl-edit").weights) != dict(
            self.running.weights
        )

    @precondition(lambda self: self.ended is None)
    @rule()
    def kill(self) -> None:
        """The execution is gone; the watchdog comes by."""
        watchdog.sweep(self.lab.world, FakeExecutions(), self.now)
        self.ended = "rolled_back"

    @rule()
    def watchdog_comes_by(self) -> None:
        """A running rollout is left alone; after an end it finds nothing to do."""
        before = self.lab.share
        orphans = watchdog.sweep(self.lab.world, FakeExecutions({OWNER}), self.now).orphans

        assert (orphans, self.lab.share) == ((), before)

    @invariant()
    def share_is_what_may_be(self) -> None:
        """Never above the plan before promotion, nor above a gate that is closed; zero after every other end."""
        if self.carried is None:
            return
        if self.ended is not None:
            assert self.lab.share == (1.0 if self.ended == "promoted" else 0.0)
            assert self.lab.records.locks == {}
            return
        gate = self.running.gates.next(standing(self.lab.records.instructions("r1")).approved)
        assert self.highest <= PLAN.largest_share + steps.COARSEST_STEP
        if gate is not None:
            assert self.running.written <= gate + steps.COARSEST_STEP

    @invariant()
    def records_are_whole(self) -> None:
        """Sequences are unbroken, and only one end is on record."""
        entries = self.lab.records.entries("r1")
        ends = [entry for entry in entries if entry["kind"] == "ended"]

        assert [entry["sequence"] for entry in entries] == list(range(len(entries)))
        assert len(ends) == (self.ended is not None)

    def turn(self, carried: Carried, times: int) -> Carried:
        """Observe, decide, shift and verify, as far as the machine would go; each step so many times."""
        world, now = self.lab.world, self.now
        for _ in range(times):
            observed = through_json(steps.observe(carried, world, now))
        if not observed.observations:
            return observed
        for _ in range(times):
            after = through_json(steps.decide(observed, world, now))
        decision = after.decision or {}
        if decision["kind"] == "rollback" or decision["share"] == after.asked:
            return after
        for _ in range(times):
            shifted = through_json(steps.shift(after, world))
        self.lab.in_force(shifted.written)
        return through_json(steps.verify(shifted, world, now))

    def roll_back(self, error: CanarioError) -> None:
        if isinstance(error, Drift):
            assert self.edited or standing(self.lab.records.instructions("r1")).stop
        name = "drift" if isinstance(error, Drift) else "stopped"
        why = {"error": type(error).__name__, "cause": str(error)}
        self.carried = ending.roll_back(replace(self.running, **{name: why}), self.lab.world, self.now)
        self.end()

    def end(self) -> None:
        for _ in range(2):
            ended = ending.end(self.running, self.lab.world, self.now)
        self.ended = str(ended["outcome"])

    def serve(self, requests: int, rate: float, canary_rate: float) -> None:
        canary = round(requests * self.lab.share)
        for node, count, failing in ((TARGET.canary, canary, canary_rate), (TARGET.baseline, requests - canary, rate)):
            counts = NodeCounts(self.now, count, round(count * failing))
            self.lab.metrics.nodes.setdefault(node, []).append(counts)


Rollout.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
TestRollout = Rollout.TestCase
