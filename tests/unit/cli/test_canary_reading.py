"""`canario canary show` and `canario canary replay`, over fakes and files."""

import json
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from canario.canary import Plan
from canario.cli import canary
from canario.cli.canary.replay import replay
from canario.cli.canary.show import show
from canario.cli.canary.table import table
from canario.errors import InvalidInput
from tests.fakes import FakeRolloutRecords, FakeWorkshopRecords

NOW = datetime(2026, 10, 3, 15, tzinfo=UTC)
RECORD = "start,share,canary_requests,canary_errors,baseline_requests,baseline_errors\n" + "".join(
    f"2026-10-03T14:{n:02d}:00Z,{0.1 if n else 0},{600 if n else 0},{6 if n else 0},5400,16\n" for n in range(12)
)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "incident.csv"
    path.write_text(RECORD)
    return path


def given(*words: str) -> Namespace:
    """The arguments of `canario canary replay …`."""
    parser = ArgumentParser()
    canary.add(parser.add_subparsers())
    return parser.parse_args(["canary", "replay", *words])


def test_replay(record: Path) -> None:
    """A row for each window as far as the outcome, then what the record cannot say."""
    lines = list(replay(given(str(record), "--plan", "alpha=0.05")))

    assert lines[0].split() == ["time", "share", "canary", "baseline", "against", "for", "decision", "next", "reason"]
    rolled_back = next(line for line in lines if "rollback" in line)
    assert rolled_back.split()[:2] == ["14:05:00", "10%"] or "6/600" in rolled_back
    assert "/20" in rolled_back  # what is enough at α = 5 %
    assert any(line.startswith("The shares are those of the record") for line in lines)


def test_the_json_of_a_replay_replays(record: Path, tmp_path: Path) -> None:
    """The document has a report's form: decisions with their windows, which can be replayed to the same."""
    (text,) = replay(given(str(record), "--json"))
    path = tmp_path / "replayed.json"
    path.write_text(text)
    (again,) = replay(given(str(path), "--json"))

    assert "rolled_back" == json.loads(text)["outcome"]
    assert json.loads(text)["decisions"] == json.loads(again)["decisions"]


def test_plans(record: Path, tmp_path: Path) -> None:
    """A file, then single fields over it; a bad one is refused by name."""
    plan = tmp_path / "plan.json"
    plan.write_text('{"alpha": 0.05, "beta": 0.1}')
    (text,) = replay(given(str(record), "--json", "--plan", str(plan), "--plan", "alpha=0.02"))

    assert {"alpha": 0.02, "beta": 0.1}.items() <= json.loads(text)["plan"].items()
    for bad, field in (("alpha=x", "alpha"), ("alpa=1", "alpa"), (str(tmp_path / "none.json"), "plan")):
        with pytest.raises(InvalidInput) as caught:
            list(replay(given(str(record), "--plan", bad)))
        assert field == caught.value.field


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_is_the_same_every_time(record: Path, tmp_path: Path, kind: str) -> None:
    """No date, no chance: byte for byte; an svg keeps its text as text."""
    paths = [tmp_path / f"{n}.{kind}" for n in range(2)]
    for path in paths:
        assert f"drew {path}" == list(replay(given(str(record), "--picture", str(path))))[-1]

    assert paths[0].read_bytes() == paths[1].read_bytes()
    if kind == "svg":
        text = paths[0].read_text()
        assert all(word in text for word in ("enough to roll back, 100", "enough to promote, 20", "tolerated rate"))
        assert "replay of incident.csv: rolled back" in text


def test_only_pictures_that_can_be_drawn(record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        given(str(record), "--picture", "out.gif")

    assert "ends in .svg or .png" in capsys.readouterr().err
    with pytest.raises(InvalidInput, match="a file that can be written"):
        list(replay(given(str(record), "--picture", str(tmp_path / "no" / "out.svg"))))


def rollouts() -> FakeRolloutRecords:
    """The records of a rollout that has run, as the canary machine writes them."""
    records = FakeRolloutRecords()
    start = {"workshop": "turma-01", "rollout": "r1", "router": "ns/nodejs-router", "plan": Plan().to_dict()}
    records.put("r1", 0, "started", start, NOW)
    window = {"start": "2026-10-03T14:00:00.000Z", "end": "2026-10-03T14:01:00.000Z", "in_force": 0.0}
    window |= {"requests": None, "errors": None, "baseline_requests": 6000, "baseline_errors": 12}
    evidence = {"harmful": 1.0, "safe": 1.0, "threshold_rollback": 100.0, "threshold_promote": 20.0}
    decision = {"decision": "advance", "share": 0.00167, "reason": "It begins.", "evidence": evidence}
    records.put("r1", 1, "decision", {**decision, **window}, NOW)
    records.put("r1", 2, "ended", {**start, "outcome": "held", "reason": "The deadline."}, NOW)
    return records


def test_show() -> None:
    """The table from the records, and what else happened."""
    lines = list(show("r1", None, rollouts(), FakeWorkshopRecords()))

    assert "rollout r1 of the router ns/nodejs-router: held" == lines[0]
    assert lines[2].split(None, 8) == [
        *("14:00:00", "0%", "no"),
        *("data", "12/6,000", "1/100", "1/20", "advance"),
        "0.167%  It begins.",
    ]
    assert "15:00:00  ended: The deadline." == lines[-1]


def test_show_finds_the_rollout_of_a_workshop() -> None:
    workshops = FakeWorkshopRecords()
    workshops.put_stage("turma-01", "r1", "canary", {"status": "passed"}, NOW)

    assert next(iter(show("turma-01", None, rollouts(), workshops))).startswith("rollout r1 ")
    with pytest.raises(InvalidInput, match="the name of a rollout that is recorded"):
        list(show("r9", None, rollouts(), workshops))


def test_show_draws(tmp_path: Path) -> None:
    path = tmp_path / "r1.svg"

    assert f"drew {path}" == list(show("r1", path, rollouts(), FakeWorkshopRecords()))[-1]
    assert "rollout r1: no outcome yet" in path.read_text()


def test_a_reason_is_wrapped_beside_its_row(record: Path) -> None:
    """No line is wider than the terminal, and nothing of the reason is lost."""
    from canario.canary.recorded import rows
    from canario.canary.recording import recording
    from canario.canary.replay import replay as run

    found = run(Plan(), recording(rows(RECORD), Plan())).decided
    for width in (150, 80):
        lines = table(found, width)

        assert max(map(len, lines)) <= width
        words = " ".join(lines).split()
        assert all(word in words for each in found for word in each.decision.reason.split())


def test_the_example_of_the_documentation() -> None:
    """docs/reading-decisions.md says that it is rolled back."""
    path = Path(__file__).parents[3] / "docs" / "examples" / "incident.csv"
    (text,) = replay(given(str(path), "--json"))

    assert "rolled_back" == json.loads(text)["outcome"]
