"""How long to wait before starting a container again."""

from __future__ import annotations

from dataclasses import dataclass

FIRST, MOST, HEALTHY = 1.0, 60.0, 60.0  # seconds; a real kubelet has 10, 300 and 600


@dataclass(frozen=True)
class BackOff:
    """The first restart is at once, the next waits `FIRST` seconds, then twice as long each time."""

    short_runs: int = 0  # in a row

    @property
    def delay(self) -> float:
        """Seconds to wait before the next run."""
        return 0.0 if self.short_runs <= 1 else min(MOST, FIRST * 2.0 ** min(self.short_runs - 2, 10))

    def after(self, ran: float) -> BackOff:
        """The back-off that follows a run of `ran` seconds; a long one starts afresh."""
        return BackOff(1 if ran >= HEALTHY else self.short_runs + 1)
