"""The tag of the demo services' images: the digest of what they are made from, unless a setting says otherwise."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from stacks.settings import Settings

SOURCE = Path(__file__).resolve().parents[2] / "apps" / "demo"
TAG_LENGTH = 12


def image_tag(settings: Settings) -> str:
    return settings.image_tag or _digest()[:TAG_LENGTH]


def _digest() -> str:
    digest = hashlib.sha256()
    for part in _parts():
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _parts() -> Iterator[bytes]:
    """What goes into an image; not what is said about it."""
    for name in ("Dockerfile", "demo.py", "requirements.txt"):
        yield name.encode()
        yield (SOURCE / name).read_bytes()
