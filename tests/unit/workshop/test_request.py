"""The input of an execution."""

import pytest

from canario.errors import InvalidInput
from canario.workshop.request import STAGES, parse_request


def parse(**given: object) -> object:
    return parse_request(given, dialects=("appmesh",))


def test_every_field_but_the_workshop_has_a_default() -> None:
    """A workshop id is enough: the dialect is the installation's first, and all stages run."""
    request = parse_request({"workshop": "turma-01"}, dialects=("gateway", "appmesh"))

    assert ("turma-01", "gateway", "auto", "clean") == (
        request.workshop,
        request.mesh,
        request.mode,
        request.until,
    )


def test_the_default_workshop_has_the_documents_own_names() -> None:
    """Somebody who follows the document finds what it names."""
    names = parse_request({"workshop": "default"}, dialects=("appmesh",)).names

    assert ("appmesh-workshop-ns", "app-mesh", "nodejs.appmeshworkshop.hosted.local") == (
        names.namespace,
        names.mesh,
        names.host("nodejs"),
    )


def test_two_workshops_share_no_name() -> None:
    """Many workshops can share a cluster, the default one included."""
    both = [parse_request({"workshop": name}, dialects=("appmesh",)).names for name in ("default", "turma-01")]

    assert both[0].namespace != both[1].namespace
    assert both[0].mesh != both[1].mesh
    assert both[0].host("nodejs") != both[1].host("nodejs")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"workshop": "Turma 01"}, "workshop"),
        ({"workshop": "-turma"}, "workshop"),
        ({"workshop": "a" * 31}, "workshop"),
        ({"workshop": 7}, "workshop"),
        ({}, "workshop"),
        ({"workshop": "a", "mesh": "linkerd"}, "mesh"),
        ({"workshop": "a", "mode": "alone"}, "mode"),
        ({"workshop": "a", "guided_from": "lunch"}, "guided_from"),
        ({"workshop": "a", "until": "baseline", "guided_from": "mesh"}, "guided_from"),
        ({"workshop": "a", "until": "nowhere"}, "until"),
        ({"workshop": "a", "stages": []}, "stages"),
        ({"workshop": "a", "canary": 5}, "canary"),
        ({"workshop": "a", "canary": {"alpha": 2}}, "canary.alpha"),
        ({"workshop": "a", "canary": {"speed": 2}}, "canary.speed"),
        ({"workshop": "a", "canary": {"deadline_windows": 1}}, "canary.deadline_windows"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(given: dict[str, object], field: str) -> None:
    """The error names the field, the value and what is allowed, on one line."""
    with pytest.raises(InvalidInput) as refused:
        parse_request(given, dialects=("appmesh",))

    assert field == refused.value.field
    assert "allowed: " in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_request_survives_its_own_json() -> None:
    """Step Functions carries the normalised request from state to state."""
    request = parse_request({"workshop": "a", "canary": {"window_seconds": 5}}, dialects=("appmesh",))

    assert request == parse_request(request.to_dict(), dialects=("appmesh",))


def test_a_guided_workshop_is_guided_from_its_first_stage() -> None:
    """Nothing is done for an attendee who did not ask for it."""
    request = parse_request({"workshop": "a", "mode": "guided"}, dialects=("appmesh",))

    assert [] == [stage for stage in STAGES if request.is_caught_up(stage)]


def test_who_comes_late_is_brought_to_a_stage() -> None:
    """The stages before `guided_from` are the machine's, the others the attendee's; in mode auto, none is either's."""
    given = {"workshop": "a", "mode": "guided", "guided_from": "mesh"}
    request = parse_request(given, dialects=("appmesh",))
    auto = parse_request({**given, "mode": "auto"}, dialects=("appmesh",))

    assert ["preflight", "baseline", "controller"] == [stage for stage in STAGES if request.is_caught_up(stage)]
    assert [] == [stage for stage in STAGES if auto.is_caught_up(stage)]
