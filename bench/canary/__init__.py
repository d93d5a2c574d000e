"""Canario's canary beside other tools' rules: `python -m bench.canary`. docs/bench.md reads the results."""
