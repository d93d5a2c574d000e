"""What comes with a request besides the object: who asks, and how it is to be done."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class User:
    name: str
    groups: tuple[str, ...] = ("system:authenticated",)


LAB = User("system:lab", ("system:masters", "system:authenticated"))


@dataclass(frozen=True)
class Options:
    """`version` empty: the preferred one. `warnings` collects what goes into `Warning` headers."""

    version: str = ""
    manager: str = "lab"
    user: User = LAB
    subresource: str = ""
    dry_run: bool = False
    strictness: str = "Ignore"  # Strict Warn Ignore
    warnings: list[str] = field(default_factory=list, compare=False)
