"""The hints of each stage: what to read and try, and at last the commands that solve it.

`mesh.en.md` and `mesh.pt-BR.md` hold the hints in both languages, parted by lines of `---`; `mesh.sh` is the solution,
the last hint in every language. The dialect `gateway` has its own in `mesh.gateway.en.md` and so on; stages that have
nothing to do with the mesh's objects have the same in both. What differs from one workshop to the next is written
`{{namespace}}`, `{{mesh}}`, `{{domain}}`, `{{workshop}}`, and `{{suffix}}` for the end of the names in Cloud Map.
A line `{{part canary.node}}` stands for `canary.node.part.sh`, which the solutions of both dialects share.
"""

import re
from importlib.resources import files

from canario.workshop.names import DEFAULT_WORKSHOP, Names

LANGUAGES = ("en", "pt-BR")
APP_MESH = "appmesh"  # the dialect whose files have no dialect in their names
IN_EVERY_DIALECT = ("preflight", "baseline")  # the stages that have nothing to do with the mesh's objects

_DIRECTORY = files("canario.workshop.hints")
_PARTING = re.compile(r"^---$", re.MULTILINE)
_PART = re.compile(r"^\{\{part ([\w.]+)\}\}\n", re.MULTILINE)
_NAME = re.compile(r"\{\{(\w+)\}\}")


def hints(stage: str, language: str, names: Names, dialect: str = APP_MESH) -> tuple[str, ...]:
    """The stage's hints in order, the solution last; empty when nobody has written any for the dialect."""
    files_of = stage if dialect == APP_MESH or stage in IN_EVERY_DIALECT else f"{stage}.{dialect}"
    text, commands = _read(f"{files_of}.{language}.md"), _read(f"{files_of}.sh")
    if text is None or commands is None:
        return ()
    whole = _PART.sub(lambda found: _DIRECTORY.joinpath(f"{found[1]}.part.sh").read_text("utf-8"), commands)
    return tuple(_fill(part.strip(), names) for part in (*_PARTING.split(text), whole))


def _read(name: str) -> str | None:
    file = _DIRECTORY.joinpath(name)
    return file.read_text("utf-8") if file.is_file() else None


def _fill(text: str, names: Names) -> str:
    values = {
        "workshop": names.workshop,
        "namespace": names.namespace,
        "mesh": names.mesh,
        "domain": names.domain,
        "suffix": "" if names.workshop == DEFAULT_WORKSHOP else f"-{names.workshop}",
    }
    return _NAME.sub(lambda found: values[found[1]], text)
