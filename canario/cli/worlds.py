"""Which files belong together: those of a folder with all below it, unless two of them have a thing of one name.

Then each folder in it is looked at by itself, and at the end each file: variants of one application, as under
`dev/` and `prod/`, are not one mesh.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

Key = tuple[str, str, str]  # kind, namespace, name
Names = frozenset[Key]


def together(files: Sequence[tuple[PurePath, Names]]) -> list[list[int]]:
    """The places of the files that are taken together, in the files' order."""
    return sorted(_split(files, list(range(len(files))), 0))


def _split(files: Sequence[tuple[PurePath, Names]], members: list[int], depth: int) -> list[list[int]]:
    if not _clash(files, members):
        return [members] if members else []
    folders: dict[str, list[int]] = {}
    here = []
    for index in members:
        parts = files[index][0].parts
        if len(parts) > depth + 1:
            folders.setdefault(parts[depth], []).append(index)
        else:
            here.append(index)
    alone = [[index] for index in here] if _clash(files, here) else [here] if here else []
    return alone + [group for inside in folders.values() for group in _split(files, inside, depth + 1)]


def _clash(files: Sequence[tuple[PurePath, Names]], members: Sequence[int]) -> bool:
    """Whether two files have a thing of one name; twice in one file is that file's own trouble."""
    counts = Counter(key for index in members for key in files[index][1])
    return any(count > 1 for count in counts.values())
