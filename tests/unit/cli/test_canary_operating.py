"""`canario canary start`, `approve`, `pause`, `resume`, `abort` and `template`, over fakes and files."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from canario.canary import ending, intervention, steps
from canario.cli import canary
from canario.cli.canary.desk import RolloutDesk
from canario.cli.canary.instruct import COMMANDS, instruct
from canario.cli.canary.show import show
from canario.cli.canary.start import start
from canario.cli.canary.template import template
from canario.cli.kinds import Unmet
from canario.errors import InvalidInput
from tests.fakes import FakeWorkshopRecords
from tests.fakes.rollouts import FakeTemplates
from tests.unit.lambdas.rollouts import TARGET, Lab, begun, decided, later

TEMPLATE = {"name": "nodejs", "target": dict(vars(TARGET)), "gates": [0.5]}


@dataclass
class FakeFunctions:
    """What each function answers; `asked`: with what."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def invoke(self, stage: str, event: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((stage, event))
        return self.answers[stage]


@pytest.fixture
def functions() -> FakeFunctions:
    return FakeFunctions()


@pytest.fixture
def desk(functions: FakeFunctions) -> RolloutDesk:
    return RolloutDesk(functions, FakeTemplates(), lambda: "arn:ana")


def given(*words: str) -> Namespace:
    parser = ArgumentParser()
    canary.add(parser.add_subparsers())
    return parser.parse_args(["canary", *words])


def test_a_start_says_who_and_what_to_look_at(desk: RolloutDesk, functions: FakeFunctions) -> None:
    """The function is told the caller's ARN; the answer leads to `show`."""
    functions.answers["start"] = {"answers": [{"rollout": "nodejs-1", "started": True}]}
    lines = list(start(given("start", "nodejs"), desk))

    assert functions.asked == [("start", {"action": "start", "by": "arn:ana", "template": "nodejs"})]
    assert lines == ["started nodejs-1; follow it with: canario canary show nodejs-1"]


def test_several_templates_are_an_order(desk: RolloutDesk, functions: FakeFunctions) -> None:
    """In the order in which they were named."""
    functions.answers["start"] = {"answers": [{"order": "o", "started": True}]}
    list(start(given("start", "crystal", "nodejs"), desk))

    assert functions.asked[0][1]["templates"] == ["crystal", "nodejs"]


def test_a_freeze_is_said_and_no_success(desk: RolloutDesk, functions: FakeFunctions) -> None:
    """Exit status 1: what was asked for has not been done."""
    functions.answers["start"] = {"answers": [{"template": "nodejs", "frozen": "a change calendar is closed (x)"}]}
    lines = start(given("start", "nodejs"), desk)

    assert next(lines) == "nodejs is not started: a change calendar is closed (x)"
    with pytest.raises(Unmet):
        next(lines)


def test_a_bad_input_is_refused_before_anything_is_asked(
    desk: RolloutDesk, functions: FakeFunctions, tmp_path: Path
) -> None:
    """A field that is not allowed, a file without JSON, both ways at once, neither."""
    bad, torn = tmp_path / "bad.json", tmp_path / "torn.json"
    bad.write_text(json.dumps({"target": dict(vars(TARGET)), "gates": [3]}))
    torn.write_text("{")
    for words in (["--input", str(bad)], ["--input", str(torn)], ["nodejs", "--input", str(bad)], []):
        with pytest.raises(InvalidInput):
            list(start(given("start", *words), desk))
    assert functions.asked == []


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_persons_word_reaches_the_rollout(desk: RolloutDesk, functions: FakeFunctions, kind: str) -> None:
    """With who says it and why; the answer says what happens now."""
    functions.answers["instruct"] = {"rollout": "r1", "router": "ns/r", "kind": kind, "share": 0.5}
    (line,) = instruct(kind, given(kind, "r1", "--reason", "lunch"), desk)
    ((name, event),) = functions.asked

    assert (name, event["kind"], event["rollout"], event["by"]) == ("instruct", kind, "r1", "arn:ana")
    assert event["reason"] == "lunch"
    assert "ns/r" in line


def test_templates_are_put_and_listed(desk: RolloutDesk, tmp_path: Path) -> None:
    """What is refused is not written."""
    path = tmp_path / "nodejs.json"
    path.write_text(json.dumps(TEMPLATE))
    (empty,) = template(given("template"), desk)
    (put,) = template(given("template", str(path)), desk)
    path.write_text(json.dumps({**TEMPLATE, "name": "other", "gates": "all"}))
    with pytest.raises(InvalidInput, match="gates"):
        list(template(given("template", str(path)), desk))

    assert "no template is there" in empty
    assert "canario canary start nodejs" in put
    assert list(template(given("template"), desk)) == ["nodejs: ns/nodejs-router"]


def test_show_reads_a_rollout_that_was_aborted() -> None:
    """A rollback without a window of its own is a row with its reason."""
    lab = Lab()
    carried = steps.shift(decided(begun(lab), 0.3), lab.world)
    intervention.instruct("r1", "abort", "arn:ana", "wrong build", lab.world, later(3))
    stop = {"error": "Stopped", "cause": "x"}
    ending.end(ending.roll_back(replace(carried, stopped=stop), lab.world, later(9)), lab.world, later(9))
    lines = "\n".join(show("r1", None, lab.records, FakeWorkshopRecords()))

    assert "wrong build" in lines
