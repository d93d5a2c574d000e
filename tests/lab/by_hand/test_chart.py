"""The chart of the lab's controller: what helm installs is what the stage `controller` makes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from canario.workshop.stages.s03_controller import SYSTEM, solve
from lab.kubectl import install
from tests.unit.workshop.world import DEFAULT

_ROOT = Path(__file__).resolve().parents[3]
_CHART = _ROOT / "lab" / "charts" / "appmesh-controller"
_LABEL = "app.kubernetes.io/managed-by"

Manifest = dict[str, Any]


def _helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    helm = install(_ROOT / ".cache" / "bin").with_name("helm")
    argv = [str(helm), "template", "appmesh-controller", str(_CHART), "--namespace", SYSTEM, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)


def _rendered(*arguments: str) -> dict[str, Manifest]:
    return _by_kind(list(yaml.safe_load_all(_helm(*arguments).stdout)))


def _by_kind(manifests: list[Manifest]) -> dict[str, Manifest]:
    """What they say, but for who manages them."""
    for each in manifests:
        each["metadata"]["labels"] = {k: v for k, v in each["metadata"]["labels"].items() if k != _LABEL}
    return {each["kind"]: each for each in manifests}


def _of_the_stage() -> dict[str, Manifest]:
    applied: list[Manifest] = []
    solve(DEFAULT, SimpleNamespace(kubernetes=SimpleNamespace(apply=applied.append, get=lambda *_: None)))  # type: ignore[arg-type]
    wanted = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Deployment")
    return _by_kind([each for each in applied if each["kind"] in wanted])


def test_helm_installs_what_the_stage_makes() -> None:
    """The same account, rights and Deployment, field by field; and the same definitions."""
    assert _of_the_stage() == _rendered()


def test_an_account_that_is_there_is_left_alone() -> None:
    """`serviceAccount.create=false` makes none and uses the one that is named."""
    found = _rendered("--set", "serviceAccount.create=false", "--set", "serviceAccount.name=mine")

    assert "ServiceAccount" not in found
    assert "mine" == found["Deployment"]["spec"]["template"]["spec"]["serviceAccountName"]
    assert "mine" == found["ClusterRoleBinding"]["subjects"][0]["name"]


def test_tracing_is_a_flag_of_the_controller() -> None:
    """`tracing.enabled=true` with the provider x-ray; another provider is refused by name."""
    found = _rendered("--set", "tracing.enabled=true", "--set", "tracing.provider=x-ray")
    refused = _helm("--set", "tracing.enabled=true", "--set", "tracing.provider=jaeger")

    assert ["--enable-xray-tracing=true"] == found["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert 'tracing.provider: "jaeger" is not in the lab; allowed: x-ray' in refused.stderr


def test_the_charts_definitions_are_the_stages() -> None:
    """One file, linked: they cannot drift apart."""
    linked = _CHART / "crds" / "appmesh.json"

    assert _ROOT / "canario/workshop/manifests/appmesh-crds.ndjson" == linked.resolve()
