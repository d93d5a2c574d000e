"""YAML files as documents that keep their text, their comments and the lines of their fields."""

import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from canario.errors import InvalidInput

SUFFIXES = (".yaml", ".yml", ".yaml.template", ".yml.template")
STDIN = "-"

_SEPARATOR = re.compile(r"---(\s|$)")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_PLACEHOLDER = re.compile(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Source:
    """One document of a file: its text as it stands there, and its first line's number."""

    file: str
    line: int
    text: str
    unreadable: str = ""  # why the file has no text

    @property
    def placeholders(self) -> dict[str, int]:
        """`${NAME}` and the like, which a shell fills in, each with its first line."""
        found: dict[str, int] = {}
        for number, line in enumerate(self.text.splitlines(), self.line):
            for name in () if line.lstrip().startswith("#") else _PLACEHOLDER.findall(line):
                found.setdefault(name, number)
        return found

    @property
    def comments(self) -> list[str]:
        """Every comment of the document, those on lines of their own and those behind a value."""
        found = [re.search(r"(?:^|\s)(#.*)$", line) for line in self.text.splitlines()]
        return [match.group(1) for match in found if match and _is_outside_quotes(match.string, match.start(1))]

    def parsed(self) -> Any:
        """None when there are only comments in it. Raises InvalidInput, with file and line, when it is no YAML."""
        if self.unreadable:
            raise InvalidInput(f"{self.file}:1", self.unreadable, "text in UTF-8")
        try:
            return yaml().load(self.text)
        except (YAMLError, ValueError) as error:
            raise self.refused(error) from error

    @property
    def template(self) -> tuple[str, int] | None:
        """The first `{{ … }}` outside comments, and its line; None when there is none."""
        for number, line in enumerate(self.text.splitlines(), self.line):
            found = None if line.lstrip().startswith("#") else _TEMPLATE.search(line)
            if found:
                return found.group(), number
        return None

    def line_of(self, parsed: Any, path: str) -> int:
        """The line of a field such as `spec.routes[0].name`: of its nearest part that is there."""
        line, found = self._first_line(), parsed
        for name, index in _STEP.findall(path):
            if name and isinstance(found, CommentedMap) and name in found:
                line, found = self.line + found.lc.key(name)[0], found[name]
            elif index and isinstance(found, CommentedSeq) and int(index) < len(found):
                line, found = self.line + found.lc.item(int(index))[0], found[int(index)]
            else:
                break
        return line

    def _first_line(self) -> int:
        lines = self.text.splitlines()
        content = (i for i, text in enumerate(lines) if text.strip() and not text.lstrip().startswith(("#", "---")))
        return self.line + next(content, 0)

    def refused(self, error: Exception | None) -> InvalidInput:
        if self.template:
            text, line = self.template
            return InvalidInput(f"{self.file}:{line}", text, "YAML; this is a template: fill it in first")
        hint = f"; fill in {', '.join(self.placeholders)} first" if self.placeholders else ""
        mark = getattr(error, "problem_mark", None)
        at = mark.line if mark else 0
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        lines = self.text.splitlines()
        there = lines[at].strip() if at < len(lines) else "the document's end"
        return InvalidInput(f"{self.file}:{self.line + at}", there, f"YAML ({problem}){hint}")


def yaml() -> YAML:
    found = YAML(typ="rt")
    found.width = 1000
    found.preserve_quotes = True
    return found


def dumped(value: Any) -> str:
    stream = io.StringIO()
    yaml().dump(value, stream)
    return stream.getvalue()


def sources(place: str) -> Iterator[list[Source]]:
    """The documents of each file at `place`: a file, a folder with everything below it, or `-`. Raises InvalidInput."""
    if place == STDIN:
        yield split("stdin", sys.stdin.read())
        return
    for file in files(Path(place)):
        yield _of_file(file)


def _of_file(file: Path) -> list[Source]:
    """Line ends stay as they are. What is no text is one document that cannot be read, so that the others can."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return split(str(file), stream.read())
    except UnicodeDecodeError as error:
        found = file.read_bytes().decode("latin-1")
        return [Source(str(file), 1, found, unreadable=f"byte {error.object[error.start]:#04x} at {error.start}")]
    except OSError as error:
        raise InvalidInput("DIR", str(file), f"a file that can be read ({error})") from error


def files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InvalidInput("DIR", str(place), "a file, a folder, or - for standard input")
    return sorted(file for file in place.rglob("*") if file.is_file() and file.name.endswith(SUFFIXES))


def split(file: str, text: str) -> list[Source]:
    """The documents of a file. Each keeps what follows its separator; the separators themselves are not kept."""
    found: list[Source] = []
    start = 1
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if _SEPARATOR.match(line):
            found.append(Source(file, start, "".join(lines)))
            start, lines = number, [line[3:].lstrip(" ") if line[3:].strip() else line[3:]]
        else:
            lines.append(line)
    found.append(Source(file, start, "".join(lines)))
    return [each for each in found if each.text.strip()]


def _is_outside_quotes(line: str, at: int) -> bool:
    before: Sequence[str] = line[:at]
    return before.count('"') % 2 == 0 and before.count("'") % 2 == 0
