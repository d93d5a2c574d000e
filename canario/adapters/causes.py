"""What people read of a failed state's cause."""

import json


def message(cause: str) -> str:
    """The error's own words: a failed function's cause is JSON with a stack trace, a failed execution's nests it."""
    try:
        content = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(content, dict):
        return cause
    inner = content.get("errorMessage") or content.get("Cause")
    return message(inner) if isinstance(inner, str) else cause
