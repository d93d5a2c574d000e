"""`canario solution`: commands that can be typed."""

from argparse import Namespace

import boto3
import pytest

from canario.cli.solution import solution
from canario.errors import InvalidInput


def test_a_solution_has_the_workshops_own_names() -> None:
    """Nothing is left to be filled in, and nobody is asked."""
    (text,) = solution(Namespace(workshop="turma-01", stage="mesh", lang="en"), boto3.Session())

    assert "kubectl label namespace appmesh-workshop-turma-01 mesh=app-mesh-turma-01" in text
    assert "{{" not in text


def test_there_is_none_for_what_is_no_stage() -> None:
    """The stages are named."""
    with pytest.raises(InvalidInput, match="stage: 'lunch' is not allowed; allowed: preflight, baseline"):
        solution(Namespace(workshop="turma-01", stage="lunch", lang="en"), boto3.Session())
