"""From proxies' counters to the telemetry contract's data (DESIGN, section 6; docs/telemetry.md). Pure.

`counts.py` (what a proxy has counted), `ledger.py` (counters → what was new), `datapoints.py` (what was new →
MetricData). The lab reads them from Envoy's own counters, the collector on AWS from Istio's.
"""
