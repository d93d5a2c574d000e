"""The stacks' templates, synthesised once a session without bundling: no pip, no network, no account."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from app import build
from canario.workshop.access import DIALECTS
from stacks.schedules import RolloutSchedule, WorkshopSchedule
from stacks.settings import Settings
from tests.infrastructure.scenarios import watched
from tests.infrastructure.watching import Watch

Template = Mapping[str, Any]
NO_BUNDLING = {"aws:cdk:bundling-stacks": []}
ROOT = Path(__file__).resolve().parents[2]
ENDPOINT, CA = "https://ABC.gr7.us-west-1.eks.amazonaws.com", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"
EXISTING = {"cluster_endpoint": ENDPOINT, "cluster_ca": CA}

# The combinations that have to work; a setting that changes what is made belongs into one of them.
INSTALLATIONS: Mapping[str, Settings] = {
    "own": Settings(),
    "own, all else": Settings(
        region="sa-east-1",
        cluster_name="turma",
        dialects=("gateway", "appmesh"),
        kubernetes_version="1.35",
        node_type="m7g.large",
        node_group_name="nodes",
        nodes=6,
        nodes_min=2,
        nodes_max=9,
        nat_gateways=2,
        public_endpoint_cidrs=("203.0.113.0/24",),
        cluster_admins=("arn:aws:iam::123456789012:role/instructor",),
        log_retention_days=7,
        architecture="x86_64",
        rollout_schedules=(
            RolloutSchedule(
                name="Daily",
                template="nodejs",
                expression="cron(0 9 ? * MON-FRI *)",
                time_zone="America/Sao_Paulo",
                flexible_minutes=15,
            ),
        ),
        workshop_schedules=(
            WorkshopSchedule(
                name="Class",
                workshops=("turma-01", "turma-02"),
                input={"mode": "guided"},
                expression="at(2027-03-01T09:00:00)",
                time_zone="America/Sao_Paulo",
            ),
        ),
        observe_from=1,
        notify=("a@example.com", "https://example.com/h"),
    ),
    "existing": Settings(
        **EXISTING,
        vpc_id="vpc-0123456789abcdef0",
        function_subnet_ids=("subnet-0123abcd", "subnet-0123abce"),
        function_security_group_ids=("sg-0123abcd",),
        function_environment={"http_proxy": "http://p:1"},
        cluster_contents=True,
        api_server_cidrs=("10.0.0.0/28", "10.0.1.0/28"),
        observe_from=0,
    ),
    "existing, public": Settings(**EXISTING, cluster_contents=True, api_server_cidrs=("10.0.0.0/24",)),
    "lab": Settings(**EXISTING, cluster_access=False, image_builds=False, xray_group=False, dialects=("appmesh",)),
}

Assembly = Callable[[str], Path]


@pytest.fixture(scope="session")
def watches() -> Mapping[str, Watch]:
    """What the functions ask for, over fakes, by dialect."""
    return {dialect: watched(dialect) for dialect in DIALECTS}


@pytest.fixture(scope="session")
def assembly_of(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The directory with the templates, and with cdk-nag's report, of one of INSTALLATIONS."""

    @cache
    def synthesise(name: str) -> Path:
        directory = tmp_path_factory.mktemp("cdk.out")
        flags = json.loads((ROOT / "cdk.json").read_text())["context"]
        app = App(context={**flags, **NO_BUNDLING}, outdir=str(directory), analytics_reporting=False)
        build(app, INSTALLATIONS[name])
        Validations.of(app).add_plugins(AwsSolutionsChecks())
        app.synth()
        return directory

    return synthesise


def read(assembly: Path) -> dict[str, Template]:
    """Stack → template."""
    suffix = ".template.json"
    return {path.name.removesuffix(suffix): json.loads(path.read_text()) for path in assembly.glob(f"*{suffix}")}


@pytest.fixture(scope="session")
def templates(assembly_of: Assembly) -> dict[str, Template]:
    """The default settings'."""
    return read(assembly_of("own"))


@pytest.fixture(scope="session")
def cluster(templates: dict[str, Template]) -> Template:
    return templates["CanarioCluster"]


@pytest.fixture(scope="session")
def workshop(templates: dict[str, Template]) -> Template:
    return templates["CanarioWorkshop"]


@pytest.fixture(scope="session")
def registrar(templates: dict[str, Template]) -> Template:
    return templates["CanarioRegistrar"]


@pytest.fixture(scope="session")
def canary(templates: dict[str, Template]) -> Template:
    return templates["CanarioCanary"]
