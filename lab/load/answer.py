"""What an answer of the demo's frontend says about the request. Pure."""

import json
from collections.abc import Mapping

from lab.load.tally import UNKNOWN

SERVICE = "nodejs"  # the service whose nodes are told apart: the one that the workshop's canary is of
HEADER = f"x-canario-{SERVICE}"


def node(headers: Mapping[str, str]) -> str:
    """`nodejs/<version>` of the node that the frontend's answer came from."""
    version = headers.get(HEADER)
    return f"{SERVICE}/{version}" if version else UNKNOWN


def node_failed(status: int, body: bytes) -> bool:
    """Whether the node itself failed: the frontend fails for any upstream, and its body says for which."""
    if status < 500:
        return False
    try:
        upstream = json.loads(body)["upstreams"][SERVICE]["status"]
    except (ValueError, KeyError, TypeError):
        return True
    return upstream is None or upstream >= 500


def failure(status: int, body: bytes) -> str | None:
    """What the client got, in words, when it is no success."""
    if status < 400:
        return None
    try:
        said = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):  # not the demo's own answer, but a proxy's
        said = body.decode(errors="replace").strip()
    return f"status {status}: {said[:200]}"
