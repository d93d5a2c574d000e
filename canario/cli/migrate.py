"""`canario migrate DIR|-`: App Mesh manifests in, Gateway API and Istio manifests out."""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import boto3

from canario.cli import appmesh_schema, documents, worlds
from canario.cli.documents import STDIN, Source
from canario.cli.kinds import Commands, Unmet
from canario.errors import InvalidInput
from canario.mesh.migration import Document, Finding, Level, Migration, is_app_mesh, migrate
from canario.mesh.migration_others import namespace_labels
from canario.mesh.migration_v1beta1 import OLD, upgraded
from canario.mesh.migration_values import bare, short

APP_MESH = "appmesh.k8s.aws"
MORE = "canario-migrate-more.yaml"
BROKEN = (Level.REFUSED,)
STRICT = (Level.REFUSED, Level.LOST)


Group = tuple[list[tuple[str, list[str]]], list[str]]  # (file, its texts) …, what belongs to no document


@dataclass(frozen=True)
class Read:
    """A document with its text; `manifest` is None for one that could not be read."""

    source: Source
    manifest: Any


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "migrate",
        help="turn App Mesh manifests into Gateway API and Istio ones",
        description="Exit status: 0 when every document went through; 1 when one did not, or, with --strict, when a "
        "field has no equal (then nothing is written); 2 when the input cannot be read.",
    )
    parser.add_argument("place", metavar="DIR|-", help="a folder, a file, or - for standard input")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="write files of the same names here")
    parser.add_argument("--namespace", default="default", help="of objects that name none (default: default)")
    parser.add_argument("--strict", action="store_true", help="what has no equal is an error")
    parser.add_argument("--plain", action="store_true", help="without Canario's annotations")
    parser.add_argument("--verify", action="store_true", help="ask both the same, on the lab's Envoys")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, session: boto3.Session) -> Iterator[str]:
    """The manifests, as text; findings go to standard error."""
    findings: list[Finding] = []
    files = [found for each in documents.sources(arguments.place) if (found := _read_file(each, findings))]
    groups = _groups(files, arguments, findings)
    done = [_migrated(group, arguments) for group in groups]
    findings += [finding for each in done for finding in each.findings]
    _report(findings, [read for found in files for read in found])
    if arguments.strict and any(finding.level in STRICT for finding in findings):
        raise Unmet
    written = [_texts(group, each) for group, each in zip(groups, done, strict=True)]
    yield from _written(written, arguments)
    asked = zip(groups, done, strict=True) if arguments.verify else ()
    answers = [_verified(_kept(group, each), arguments.namespace) for group, each in asked]
    if not all(answers) or any(finding.level in BROKEN for finding in findings):
        raise Unmet


def _groups(files: list[list[Read]], arguments: argparse.Namespace, findings: list[Finding]) -> list[list[list[Read]]]:
    """The files that are one mesh, or several that know of each other; with a line where they are not all together."""
    named = [(_relative(found, arguments), _names(found, arguments.namespace)) for found in files]
    groups = worlds.together(named)
    if len(groups) > 1:
        says = f"things of one name are in several files: {len(groups)} groups of files are migrated each by itself"
        todo = "give each mesh a folder of its own, or keep one of them"
        findings.append(Finding(Level.NOTE, files[0][0].source.file, 1, "folder", says, todo))
    return [[files[index] for index in group] for group in groups]


def _names(found: Sequence[Read], namespace: str) -> worlds.Names:
    """The kinds and names of App Mesh's objects in a file."""
    manifests = [read.manifest for read in found if is_app_mesh(read.manifest)]
    named = [(each, each["metadata"]) for each in manifests if isinstance(each.get("metadata"), Mapping)]
    return frozenset(
        (str(each.get("kind")), str(metadata.get("namespace") or namespace), str(metadata.get("name")))
        for each, metadata in named
    )


def _migrated(group: Sequence[Sequence[Read]], arguments: argparse.Namespace) -> Migration:
    flat = [_document(read) for found in group for read in found]
    return migrate(flat, arguments.namespace, notes=not arguments.plain)


def _texts(group: Sequence[Sequence[Read]], done: Migration) -> Group:
    """Each file with the texts of its documents, and what belongs to none of them."""
    flat = [read for found in group for read in found]
    pairs = zip(flat, done.replaced, strict=True)
    texts = iter([_text(read, made, done.refused.get(index)) for index, (read, made) in enumerate(pairs)])
    files = [(found[0].source.file, [next(texts) for _ in found]) for found in group]
    return files, [documents.dumped(manifest) for manifest in done.more]


def _kept(group: Sequence[Sequence[Read]], done: Migration) -> list[Any]:
    """The documents from which the mesh follows."""
    flat = [read.manifest for found in group for read in found]
    return [each for index, each in enumerate(flat) if index not in done.refused and _matters(each)]


def _relative(found: Sequence[Read], arguments: argparse.Namespace) -> Path:
    """A file's place in the folder."""
    if arguments.place == STDIN:
        return Path("stdin.yaml")
    place = Path(arguments.place)
    return Path(found[0].source.file).relative_to(place if place.is_dir() else place.parent)


def _matters(manifest: Any) -> bool:
    """Whether the mesh follows from it: App Mesh's own, and namespaces, whose labels a Mesh selects."""
    return is_app_mesh(manifest) or (isinstance(manifest, Mapping) and manifest.get("kind") == "Namespace")


def _verified(manifests: Sequence[Any], namespace: str) -> bool:
    """Whether an Envoy with each mesh answers the same. The lab is asked by its command: nothing here knows it."""
    if find_spec("lab") is None:
        raise InvalidInput("--verify", True, "only where the lab is, in a checkout (make setup)")
    command = [sys.executable, "-m", "lab.verify", namespace]
    said = json.dumps([bare(each) for each in manifests], default=str)
    return subprocess.run(command, input=said, text=True, check=False).returncode == 0  # noqa: S603


def _read_file(found: Sequence[Source], findings: list[Finding]) -> list[Read]:
    """The documents of a file; the items of a List are documents too."""
    reads = [read for source in found for read in _items(_read(source, findings))]
    of_app_mesh = [read.source for read in reads if is_app_mesh(read.manifest)]
    left = {name: line for source in reversed(of_app_mesh) for name, line in source.placeholders.items()}
    if left:
        says = f"{', '.join(sorted(left))} stays as it is"
        todo = "fill it in (envsubst) before you apply the result"
        findings.append(Finding(Level.NOTE, of_app_mesh[0].file, min(left.values()), "file", says, todo))
    return reads


def _items(read: Read) -> list[Read]:
    manifest = read.manifest
    is_list = isinstance(manifest, Mapping) and manifest.get("kind") == "List"
    if not is_list or not any(map(is_app_mesh, manifest.get("items") or ())):
        return [read]
    lines = [read.source.line_of(manifest, f"items[{index}]") for index in range(len(manifest["items"]))]
    sources = [
        Source(read.source.file, line, documents.dumped(item))
        for line, item in zip(lines, manifest["items"], strict=True)
    ]
    return [Read(source, source.parsed()) for source in sources]


def _read(source: Source, findings: list[Finding]) -> Read:
    try:
        manifest = source.parsed()
        if source.template and is_app_mesh(manifest):
            raise source.refused(None)
    except InvalidInput as error:
        file, _, line = error.field.rpartition(":")
        level = Level.REFUSED if APP_MESH in source.text else Level.NOTE
        says = f"{short(error.value)} is not allowed here"
        findings.append(Finding(level, file, int(line), "document", says, f"allowed: {error.allowed}"))
        return Read(source, None)
    return Read(source, manifest)


def _document(read: Read) -> Document:
    source, manifest = read.source, read.manifest
    parts = upgraded(manifest, ()) if is_app_mesh(manifest) and manifest["apiVersion"] == OLD else [manifest]
    wrong = next(filter(None, map(appmesh_schema.trouble, parts)), None) if is_app_mesh(manifest) else None
    at = source.line_of(manifest, "")
    return Document(source.file, at, manifest, lambda path: source.line_of(manifest, path), wrong)


def _text(read: Read, made: Sequence[Any] | None, refused: str | None) -> str:
    """What stands for a document: its own text, or its replacements below its comments."""
    if read.source.unreadable:
        return "# canario: not migrated: it is no text in UTF-8\n"
    if made is None:
        unread = read.manifest is None and APP_MESH in read.source.text
        return "# canario: not migrated: it is no YAML\n" if unread else _with_labels(read)
    comments = "".join(f"{comment}\n" for comment in read.source.comments)
    if made:
        return comments + "---\n".join(map(documents.dumped, made))
    if refused:
        said = " ".join(refused.split())
        return f"{comments}# canario: not migrated: {read.manifest.get('kind')}: {said}\n"
    return comments


def _with_labels(read: Read) -> str:
    """A Namespace's text with Istio's labels for App Mesh's; anything else as it stands."""
    changes = namespace_labels(read.manifest)
    if not changes:
        return read.source.text
    labels = read.manifest["metadata"]["labels"]
    for name, value in changes.items():
        if value is None:
            place = list(labels).index(name)
            del labels[name]
        else:
            labels.insert(place, name, value)
    return documents.dumped(read.manifest)


def _written(groups: Sequence[Group], arguments: argparse.Namespace) -> Iterator[str]:
    """The text for standard output; with --output the names of the files instead."""
    if arguments.output is None:
        yield _joined([text for files, more in groups for text in (*_of(files), *more)]).rstrip("\n")
        return
    place = Path("." if arguments.place == STDIN else arguments.place)
    base = place if place.is_dir() else place.parent
    taken: set[Path] = set()
    for files, more in groups:
        names = [Path("stdin.yaml") if arguments.place == STDIN else Path(file).relative_to(base) for file, _ in files]
        for name, (_, texts) in zip(names, files, strict=True):
            yield _write(arguments.output / name, texts)
        if more:
            yield _write(arguments.output / _more_name(names, taken, alone=len(groups) == 1), more)


def _of(files: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    for _, texts in files:
        yield from texts


def _more_name(names: Sequence[Path], taken: set[Path], *, alone: bool) -> Path:
    """Where what belongs to no document goes: beside the files that it is of."""
    folder = Path() if alone else Path(*os.path.commonpath([str(each.parent) for each in names]).split("/"))
    name = folder / MORE
    if name in taken:
        name = folder / f"{names[0].name.split('.')[0]}-{MORE}"
    taken.add(name)
    return name


def _write(path: Path, texts: Sequence[str]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_joined(texts), encoding="utf-8")
    return str(path)


def _joined(texts: Sequence[str]) -> str:
    ended = [text if text.endswith("\n") else f"{text}\n" for text in texts if text.strip()]
    return "---\n".join(text.lstrip("\n") for text in ended)


def _report(findings: Sequence[Finding], reads: Sequence[Read]) -> None:
    for finding in findings:
        print(finding, file=sys.stderr)  # noqa: T201
    count = sum(is_app_mesh(read.manifest) for read in reads)
    levels = Counter(finding.level for finding in findings)
    said = ", ".join(f"{levels[level]} {level}" for level in Level if levels[level])
    print(f"canario: {len(reads)} documents, {count} of App Mesh{': ' + said if said else ''}", file=sys.stderr)  # noqa: T201
