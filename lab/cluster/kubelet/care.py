"""Looking after one run of a container: its postStart hook and its probes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from lab.cluster.kubelet import hooks
from lab.cluster.kubelet.probes import Attempt, Command, Prober, Tally, Timing, attempts
from lab.cluster.objects import Obj, dig

_POST_START_SECONDS = 30.0

Tell = Callable[[str, str, str], Awaitable[None]]  # Normal or Warning, reason, message


class Report(Protocol):
    """Takes what the probes found."""

    def __call__(self, *, ready: bool, started: bool) -> None: ...


@dataclass(frozen=True)
class Care:
    """`run` it beside the process and cancel it when that is to end.

    `kill` is called with the reason, and with a grace in seconds where the probe has one of its own, when the
    container must be started again.
    """

    spec: Obj
    prober: Prober
    command: Command
    tell: Tell
    report: Report
    kill: Callable[[str, float | None], None]

    async def run(self) -> None:
        name = self.spec["name"]
        for reason, message in (
            ("Pulled", f'Container image "{self.spec.get("image", "")}" already present on machine'),
            ("Created", f"Created container: {name}"),
            ("Started", f"Started container {name}"),
        ):
            await self.tell("Normal", reason, message)
        if await self._post_start() and await self._startup():
            await self._watch()

    async def _post_start(self) -> bool:
        hook = dig(self.spec, "lifecycle", "postStart")
        if not hook:
            return True
        failure = await hooks.perform(hook, prober=self.prober, command=self.command, timeout=_POST_START_SECONDS)
        if failure:
            await self.tell("Warning", "FailedPostStartHook", f"PostStartHook failed: {failure}")
            self.kill("failed its postStart hook", None)
        return not failure

    async def _startup(self) -> bool:
        probe = self.spec.get("startupProbe")
        if not probe:
            return True
        async with aclosing(self._verdicts("Startup", probe, eager=True)) as verdicts:
            passed = await anext(verdicts)
        if not passed:
            self.kill("failed startup probe", _grace(probe))
        return passed

    async def _watch(self) -> None:
        readiness, liveness = self.spec.get("readinessProbe"), self.spec.get("livenessProbe")
        self.report(started=True, ready=not readiness)
        async with asyncio.TaskGroup() as group:
            if readiness:
                group.create_task(self._readiness(readiness))
            if liveness:
                group.create_task(self._liveness(liveness))

    async def _readiness(self, probe: Obj) -> None:
        async with aclosing(self._verdicts("Readiness", probe, eager=True)) as verdicts:
            async for ready in verdicts:
                self.report(started=True, ready=ready)

    async def _liveness(self, probe: Obj) -> None:
        async with aclosing(self._verdicts("Liveness", probe, eager=False)) as verdicts:
            async for alive in verdicts:
                if not alive:
                    self.kill("failed liveness probe", _grace(probe))
                    return

    async def _verdicts(self, kind: str, probe: Obj, *, eager: bool) -> AsyncGenerator[bool, None]:
        """True or False each time enough attempts in a row agree; a failed attempt is an Event."""
        timing, tally = Timing.of(probe), Tally()

        async def ask(seconds: float) -> Attempt:
            return await self.prober.attempt(probe, seconds)

        async with aclosing(attempts(timing, ask, eager=eager)) as found:
            async for attempt in found:
                if not attempt.passed and not attempt.early:
                    await self.tell("Warning", "Unhealthy", f"{kind} probe failed: {attempt.message}")
                tally = tally.and_then(attempt)
                verdict = tally.verdict(timing)
                if verdict is not None:
                    yield verdict


def _grace(probe: Obj) -> float | None:
    return probe.get("terminationGracePeriodSeconds")
