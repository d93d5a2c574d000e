"""`canario canary template [FILE]`: put a rollout's template there, or list those that are."""

import argparse
from collections.abc import Iterator

from canario.canary.template import Template, parse_template
from canario.cli.canary.desk import RolloutDesk, read_json, rollout_desk
from canario.cli.kinds import Commands


def add(commands: Commands) -> None:
    parser = commands.add_parser("template", help="put a rollout's template there; without a file, list them")
    parser.add_argument("file", nargs="?", help="the template as JSON")
    parser.set_defaults(run=lambda given, session: template(given, rollout_desk(session)))


def template(given: argparse.Namespace, desk: RolloutDesk) -> Iterator[str]:
    """Raises InvalidInput before anything is written."""
    if given.file is None:
        found = sorted(desk.templates.all(), key=lambda each: each.name)
        yield from (_line(each) for each in found)
        if not found:
            yield "no template is there; put one with: canario canary template FILE"
        return
    parsed = parse_template(read_json("file", given.file))
    desk.templates.put(parsed)
    yield f"the template {parsed.name} is there; start it with: canario canary start {parsed.name}"


def _line(each: Template) -> str:
    pushed = f", by pushes of {each.push.repository}:{'|'.join(each.push.tags)}" if each.push else ""
    frozen = ", with a freeze" if each.freeze.calendars or each.freeze.windows else ""
    return f"{each.name}: {each.request.target.key}{pushed}{frozen}"
