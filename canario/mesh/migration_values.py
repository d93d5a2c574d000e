"""Names and values of documents: which an API server takes, and how they are said."""

import re
from collections.abc import Mapping
from typing import Any

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST = 100  # characters of a value in a finding


def misnamed(metadata: Any) -> tuple[str, str, str] | None:
    """What is said of a name that no API server takes, what to do, and where; None for one that it takes.

    A placeholder that is to be filled in may stand anywhere in it.
    """
    if not isinstance(metadata, Mapping) or metadata.get("name") is None:
        return "it is missing", "give the document a metadata.name", "metadata.name"
    for name, form, longest in (("name", _SUBDOMAIN, 253), ("namespace", _LABEL, 63)):
        value = metadata.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            return f"{short(value)} is not allowed here", "allowed: a string; quote it", f"metadata.{name}"
        if "$" not in value and not (form.fullmatch(value) and len(value) <= longest):
            dots = ", '.'" if form is _SUBDOMAIN else ""
            todo = f"allowed: a-z, 0-9, '-'{dots} (at the ends a letter or digit), at most {longest} characters"
            return f"{short(value)} is not allowed here", todo, f"metadata.{name}"
    return None


def short(value: Any) -> str:
    """A value as it stands there, on one line, cut short when it is long."""
    said = " ".join(repr(bare(value)).split())
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def bare(value: Any) -> Any:
    """Without the comments and places that a reader of YAML keeps."""
    if isinstance(value, Mapping):
        return {str(name): bare(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [bare(each) for each in value]
    return str(value) if isinstance(value, str) else value
