"""SPDY/3.1, as far as `kubectl port-forward` needs it: it speaks SPDY inside a WebSocket (KEP-4006).

No SPDY library is kept any more. Framing is in `frames.py`, without input and output; who answers is
`lab/cluster/web/forward.py`. Source: draft-mbelshe-httpbis-spdy-00 with the changes of SPDY/3.1.
"""
