"""The hints of each stage: what to read and try, and at last the commands that solve it.

One file a stage and language, `mesh.pt-BR.md`; lines of `---` part the hints. What differs from one workshop to the
next is written `{{namespace}}`, `{{mesh}}`, `{{domain}}`, `{{workshop}}` or `{{registry}}`.
"""

import re
from importlib.resources import files

from canario.workshop.names import Names

LANGUAGES = ("en", "pt-BR")
REGISTRY = "123438532574.dkr.ecr.us-west-1.amazonaws.com"  # the document's; the lab takes images by their repository

_PARTING = re.compile(r"^---$", re.MULTILINE)
_NAME = re.compile(r"\{\{(\w+)\}\}")


def hints(stage: str, language: str, names: Names) -> tuple[str, ...]:
    """The stage's hints in order, the solution last; empty when nobody has written any."""
    file = files("canario.workshop.hints").joinpath(f"{stage}.{language}.md")
    if not file.is_file():
        return ()
    values = {
        "workshop": names.workshop,
        "namespace": names.namespace,
        "mesh": names.mesh,
        "domain": names.domain,
        "registry": REGISTRY,
    }
    filled = _NAME.sub(lambda found: values[found[1]], file.read_text("utf-8"))
    return tuple(part.strip() for part in _PARTING.split(filled))
