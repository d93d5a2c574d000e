"""The moment at which tests begin."""

from datetime import datetime

NOW = datetime.fromisoformat("2026-11-02T12:00:00+00:00")
