"""`canario solution`: commands that can be typed."""

from argparse import Namespace
from typing import Any

import pytest

from canario.cli.installation import Desk
from canario.cli.solution import solution
from canario.errors import InvalidInput
from canario.workshop.ports import Lifetime
from tests.fakes import NOW, FakeWorkshopRecords
from tests.fakes.lifetimes import FakeLifetimes

NOBODY: Any = None  # neither functions nor machines are asked


def said(stage: str, mesh: str = "") -> list[str]:
    """The solution in an installation in which turma-01 was started in this dialect, or never."""
    lifetimes = FakeLifetimes({"turma-01": Lifetime("turma-01", mesh, "run", NOW)} if mesh else {})
    desk = Desk(FakeWorkshopRecords(), NOBODY, NOBODY, lifetimes)
    return solution(Namespace(workshop="turma-01", stage=stage, lang="en"), desk)


def test_a_solution_has_the_workshops_own_names() -> None:
    """Nothing is left to be filled in; a workshop that was never started reads App Mesh's commands."""
    (text,) = said("mesh")

    assert "kubectl label namespace appmesh-workshop-turma-01 mesh=app-mesh-turma-01" in text
    assert "{{" not in text


def test_a_solution_is_in_the_workshops_own_dialect() -> None:
    """App Mesh's commands would do nothing in a workshop of Gateway API."""
    (text,) = said("mesh", "gateway")

    assert "kubectl label namespace appmesh-workshop-turma-01 istio-injection=enabled" in text
    assert "appmesh.k8s.aws" not in text


def test_there_is_none_for_what_is_no_stage() -> None:
    """The stages are named."""
    with pytest.raises(InvalidInput, match="stage: 'lunch' is not allowed; allowed: preflight, baseline"):
        said("lunch")
