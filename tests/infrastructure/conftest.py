"""The stacks' templates, synthesised once a session without bundling: no pip, no network, no account."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import build
from stacks.settings import Settings

Template = Mapping[str, Any]
NO_BUNDLING = {"aws:cdk:bundling-stacks": []}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default settings' templates, in a directory."""
    directory = tmp_path_factory.mktemp("cdk.out")
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(context={**flags, **NO_BUNDLING}, outdir=str(directory), analytics_reporting=False)
    build(app, Settings())
    app.synth()
    return directory


@pytest.fixture(scope="session")
def templates(assembly: Path) -> dict[str, Template]:
    """Stack → template."""
    suffix = ".template.json"
    return {path.name.removesuffix(suffix): json.loads(path.read_text()) for path in assembly.glob(f"*{suffix}")}


@pytest.fixture(scope="session")
def workshop(templates: dict[str, Template]) -> Template:
    return templates["CanarioWorkshop"]


@pytest.fixture(scope="session")
def registrar(templates: dict[str, Template]) -> Template:
    return templates["CanarioRegistrar"]


@pytest.fixture(scope="session")
def canary(templates: dict[str, Template]) -> Template:
    return templates["CanarioCanary"]
