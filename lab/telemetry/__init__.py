"""The lab's telemetry: the callers' Envoy counters become CloudWatch metrics (docs/telemetry.md).

`reading.py` (Envoy's answer → counters) is pure; `scraper.py`, `collector.py` and `__main__.py` are the shell. What
becomes of the counters is `canario.telemetry`, and `canario.adapters.metrics_writer` puts it.
"""
