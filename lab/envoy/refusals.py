"""What an Envoy refuses of what it is served: why, and where that is said.

`refused.json` in the Envoy's directory is there while something is refused: a list of `{"what", "version", "reason"}`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from canario.errors import RemoteError
from lab.envoy.admin import Admin
from lab.envoy.delivery import LISTENERS, Name
from lab.envoy.files import Resource, write_text

FILE = "refused.json"

_ITS_LOG = "Envoy's log has the reason"


async def described(refused: Mapping[Name, str], admin: Admin) -> list[Resource]:
    """The content of `refused.json`. Envoy tells the reason by its admin only for listeners; by its log, for all."""
    why = await _why(admin) if any(name.kind == LISTENERS for name in refused) else ""
    return [
        {"what": str(name), "version": version, "reason": (name.kind == LISTENERS and why) or _ITS_LOG}
        for name, version in sorted(refused.items())
    ]


def write(directory: Path, found: list[Resource]) -> None:
    """Say so; or, with nothing refused, no longer say anything."""
    if found:
        write_text(directory / FILE, json.dumps(found, indent=1))
    else:
        (directory / FILE).unlink(missing_ok=True)


async def _why(admin: Admin) -> str:
    try:
        listeners = await admin.config_dump("dynamic_listeners")
    except RemoteError:
        return ""
    reasons: dict[str, str] = {}  # Envoy may tell one twice, the second time without the listener's name
    for each in listeners:
        if text := each.get("error_state", {}).get("details"):
            reasons.setdefault(_last_line(text), each.get("name", ""))
    return "; ".join(f"{name}: {reason}".removeprefix(": ") for reason, name in reasons.items())


def _last_line(text: str) -> str:
    """The reason: before it Envoy writes out the whole message that it did not take."""
    return text.strip().splitlines()[-1].lstrip(": }")
