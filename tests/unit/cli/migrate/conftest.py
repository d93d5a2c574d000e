"""`canario migrate` as somebody runs it, on files in an empty folder."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from canario.cli import migrate
from canario.cli.kinds import Unmet


@dataclass
class Run:
    status: int
    out: str
    lines: list[str]  # on standard error, the summary aside
    summary: str

    @property
    def manifests(self) -> list[dict[str, Any]]:
        return [each for each in yaml.safe_load_all(self.out) if each]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **files: str) -> Run:
        for name, text in files.items():
            Path("in").mkdir(exist_ok=True)
            Path("in", f"{name}.yaml").write_text(dedent(text))
        parser = ArgumentParser()
        migrate.add(parser.add_subparsers())
        parsed = parser.parse_args(["migrate", *(arguments or ("in",))])
        status, lines = 0, []
        try:
            for line in parsed.run(parsed, None):
                lines.append(line)
        except Unmet:
            status = 1
        *findings, summary = capsys.readouterr().err.splitlines()
        return Run(status, "\n".join(lines), findings, summary)

    return run
