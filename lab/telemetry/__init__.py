"""The lab's telemetry: the callers' Envoy counters become CloudWatch metrics (docs/telemetry.md).

`reading.py` (Envoy's answer → counters), `ledger.py` (counters → what was new) and `datapoints.py` (what was
new → MetricData) are pure; `scraper.py`, `publisher.py` and `__main__.py` are the shell.
"""
