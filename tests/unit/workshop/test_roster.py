"""Rosters: what is understood, and what is refused by its line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canario.errors import InvalidInput
from canario.workshop.names import SERVICES, names
from canario.workshop.request import DIALECTS
from canario.workshop.roster import parse_roster

IDS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


def parsed(text: str, **shared: object) -> list[dict[str, object]]:
    return [dict(entry.request) for entry in parse_roster(text, shared, dialects=DIALECTS)]


def test_a_list() -> None:
    """One id a line; empty lines and comments do not count; what the command line says holds for all."""
    text = "# manhã\nturma-01\n\n  turma-02  \n"

    assert [{"workshop": "turma-01", "until": "mesh"}, {"workshop": "turma-02", "until": "mesh"}] == parsed(
        text, until="mesh"
    )


@pytest.mark.parametrize("comma", [",", ";"])
def test_a_table(comma: str) -> None:
    """Columns in any order, separated as spreadsheets do it; an empty cell leaves what holds for all."""
    lines = ("mode,workshop,until", "guided,turma-01,canary", ",turma-02", "auto,turma-03,")
    text = "\n".join(lines).replace(",", comma)

    assert [
        {"workshop": "turma-01", "mode": "guided", "until": "canary"},
        {"workshop": "turma-02", "until": "mesh"},
        {"workshop": "turma-03", "mode": "auto", "until": "mesh"},
    ] == parsed(text, until="mesh")


def test_lines_are_the_files_own() -> None:
    """A line's number counts comments and empty lines too: it is where an editor shows it."""
    entries = parse_roster("\n# two\nworkshop\nturma-01\n", {}, dialects=DIALECTS)

    assert [4] == [entry.line for entry in entries]


@pytest.mark.parametrize(
    ("text", "field", "value", "allowed"),
    [
        ("turma-01\nTurma-02", "roster line 2, workshop", "Turma-02", "DNS label"),
        ("workshop,until\nturma-01,mess", "roster line 2, until", "mess", "preflight, baseline"),
        ("workshop,team\na,b", "roster line 1, column", "team", "workshop, mesh"),
        ("workshop,ttl_hours\na,long", "roster line 2, ttl_hours", "long", "number"),
        ("workshop,workshop\na,b", "roster line 1, column", "workshop", "at most once"),
        ("workshop,mode\na,auto,late", "roster line 2", "a,auto,late", "2 cells"),
        ("workshop,mode\n,auto", "roster line 2, workshop", None, "workshop id"),
        ("turma-01\n\nturma-01", "roster line 3, workshop", "turma-01", "line 1 has it already"),
        ("default\nns", "roster line 2, workshop", "ns", "the default workshop's"),
        ("\n# nobody\n", "roster", "no workshop", "at least one line"),
        ("workshop,mode\n", "roster", "no workshop", "at least one line"),
    ],
)
def test_refusals(text: str, field: str, value: object, allowed: str) -> None:
    """Each names the line, the field, its value and what is allowed."""
    with pytest.raises(InvalidInput) as caught:
        parsed(text)

    assert (field, value) == (caught.value.field, caught.value.value)
    assert allowed in caught.value.allowed


@given(st.sets(IDS, min_size=2, max_size=6))
def test_no_two_workshops_share_a_name(ids: set[str]) -> None:
    """Namespaces, meshes, hosts and Cloud Map services are different whenever the ids are; else one is refused."""
    found = []
    for workshop in (*ids - {"default", "ns"}, "default"):
        each = names(workshop)
        hosts = [each.host(service) for service in SERVICES]
        services = [str(each.cloud_map(service)) for service in (*SERVICES, "nodejsv2")]
        found.append({each.namespace, each.mesh, *hosts, *services})

    assert sum(map(len, found)) == len(set().union(*found))
    assert all(one.isdisjoint(other) for one, other in pairwise(found))
