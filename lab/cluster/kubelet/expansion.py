"""Text that a pod writes for a container: `$(VAR)` references, and paths that the lab has elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z0-9_.-]+)\)")


@dataclass(frozen=True)
class Mount:
    """A mountPath of a container and the directory or file that stands for it."""

    path: str
    real: Path


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)`; an unknown one stays as it is, and `$$` is a plain `$` (so `$$(NAME)` escapes)."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def relocate(text: str, mounts: Sequence[Mount]) -> str:
    """Replace each mountPath, where it stands as a whole path or the beginning of one, by the real directory."""
    by_path = {m.path.rstrip("/"): str(m.real) for m in mounts if m.path.rstrip("/")}
    if not by_path:
        return text
    longest_first = sorted(map(re.escape, by_path), key=len, reverse=True)
    pattern = rf"(?<![\w./-])({'|'.join(longest_first)})(?![\w.-])"
    return re.sub(pattern, lambda match: by_path[match[1]], text)
