"""The lab's X-Ray: an endpoint with botocore's shapes, and the daemon that forwards Envoy's segments to it.

Pure: `segments.py` (a document → a segment), `hops.py` (a trace → which service was asked by which), `graph.py`,
`statistics.py`, `summaries.py` (hops → X-Ray's answers), `expression.py`, `parser.py` and `match.py`
(filter expressions).
`store.py` holds the traces, `operations.py` is the API, `__main__.py` serves it, `daemon.py` is the container
`xray-daemon`. docs/tracing.md.
"""
