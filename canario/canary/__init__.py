"""Progressive delivery decided by evidence: pure values and functions, no I/O, no clock. See docs/canary.md."""

from canario.canary.guards import Guard
from canario.canary.observation import Counts, Observation, Tally
from canario.canary.plan import Plan, Step
from canario.canary.rollout import Decision, decide, decide_all, start
from canario.canary.state import Rollout

__all__ = [
    "Counts",
    "Decision",
    "Guard",
    "Observation",
    "Plan",
    "Rollout",
    "Step",
    "Tally",
    "decide",
    "decide_all",
    "start",
]
