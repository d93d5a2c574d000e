"""cdk context → settings."""

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import BadSetting, Settings, settings_from


def test_without_context_the_defaults_hold() -> None:
    """An empty context is an installation on AWS; others' context is not ours to judge."""
    assert settings_from({"@aws-cdk/core:x": True, "aws:cdk:y": []}) == Settings()


def test_an_endpoint_of_one_service_may_be_given() -> None:
    """A function may be told where one AWS service answers; the other AWS_ variables are Lambda's own."""
    given = {"AWS_ENDPOINT_URL_XRAY": "http://127.0.0.1:1"}

    assert settings_from({"canario:function_environment": given}).function_environment == given


def test_values_of_the_command_line_and_of_the_file_are_both_taken() -> None:
    """Strings, as `-c` gives them, and JSON, as cdk.json has it, mean the same."""
    texts = {
        "canario:dialects": "appmesh,gateway",
        "canario:log_retention_days": "7",
        "canario:function_environment": '{"a": "b"}',
    }
    values = {
        "canario:dialects": ["appmesh", "gateway"],
        "canario:log_retention_days": 7,
        "canario:function_environment": {"a": "b"},
    }

    assert settings_from(texts) == settings_from(values)
    assert settings_from(texts).dialects == ("appmesh", "gateway")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cluster_endpoint", "http://plain"),
        ("cluster_endpoint", 7),
        ("cluster_access", "maybe"),
        ("cluster_access", "no"),  # of a cluster of our own nobody else could let the functions in
        ("cluster_ca", "LS0tLS1CRUdJTg=="),  # without its endpoint
        ("vpc_id", "vpc-0123"),  # of a cluster of our own
        ("function_subnet_ids", "subnet-0123abcd"),
        ("function_subnet_ids", "sub-01"),
        ("function_security_group_ids", "sg-xyz"),
        ("kubernetes_version", "1.25"),
        ("node_group_name", "a name"),
        ("node_type", "large"),
        ("nodes_max", "2"),  # fewer than nodes
        ("nodes", "three"),
        ("nodes_min", "0"),
        ("nodes_min", "4"),  # more than nodes
        ("nodes_max", "1000"),
        ("region", "California"),
        ("nat_gateways", "0"),
        ("public_endpoint_cidrs", "anywhere"),
        ("public_endpoint_cidrs", ""),
        ("public_endpoint_cidrs", "300.0.0.0/8"),
        ("public_endpoint_cidrs", "10.0.0.5/24"),  # bits of a host
        ("cluster_contents", "yes"),  # of a cluster of our own, which gets them anyway
        ("api_server_cidrs", "10.0.0.0/24"),
        ("cluster_admins", "me"),
        ("istio_version", "latest"),
        ("image_builds", "sometimes"),
        ("xray_group", 7),
        ("image_tag", "v1:latest"),
        ("dialects", "appmesh"),  # which AWS has ended
        ("cluster_ca", "spaces in between"),
        ("cluster_name", "-dash"),
        ("dialects", "linkerd"),
        ("dialects", ""),
        ("dialects", "appmesh,appmesh"),
        ("dialects", []),
        ("function_environment", "not json"),
        ("function_environment", '["list"]'),
        ("function_environment", {"AWS_REGION": "x"}),
        ("function_environment", {"CANARIO_TABLE": "x"}),
        ("function_environment", {"number": 1}),
        ("log_retention_days", 8),
        ("log_retention_days", "a week"),
        ("zone_name", "no_domain"),
        ("vpc_id", "vpc"),
        ("python_version", "3.9"),
        ("architecture", "riscv"),
        ("guided_heartbeat_hours", 0),
        ("guided_heartbeat_hours", 100),
        ("guided_timeout_hours", "a day"),
        ("cluster_endpont", "https://x"),
        ("rollout_schedules", "daily"),
        ("rollout_schedules", [{"name": "A"}]),
        ("rollout_schedules", [{"name": "A", "template": "t", "expression": "every day"}]),
        ("rollout_schedules", [{"name": "A", "template": "t", "expression": "rate(1 day)", "time_zone": "Mars"}]),
        ("rollout_schedules", [{"name": "A", "template": "t", "expression": "rate(1 day)"}] * 2),
        ("workshop_schedules", [{"name": "A", "workshops": [], "expression": "rate(1 day)"}]),
        ("workshop_schedules", [{"name": "A", "workshops": ["No"], "expression": "rate(1 day)"}]),
        ("workshop_schedules", [{"name": "A", "workshops": ["a"], "expression": "rate(1 day)", "input": {"x": 1}}]),
        ("workshop_schedules", [{"name": "A", "expression": "rate(1 day)"}]),
        ("notify", "nobody"),
        ("notify", "http://plain"),
    ],
)
def test_a_bad_value_is_one_clear_line(name: str, value: Any) -> None:
    """The error names the setting as it is typed, its value, and what is allowed."""
    with pytest.raises(BadSetting, match=f"^setting canario:{name}: .* is not allowed; allowed: ") as refused:
        settings_from({f"canario:{name}": value})
    assert "\n" not in str(refused.value)


def test_a_cluster_that_exists_is_named_whole() -> None:
    """Its endpoint without its CA, or subnets without security groups, are half a cluster."""
    whole = {"canario:cluster_endpoint": "https://x", "canario:cluster_ca": "LS0t"}

    assert settings_from({**whole, "canario:cluster_access": "no", "canario:dialects": "appmesh"}).cluster_ca == "LS0t"
    with pytest.raises(BadSetting, match="cluster_ca"):
        settings_from({"canario:cluster_endpoint": "https://x"})
    with pytest.raises(BadSetting, match="api_server_cidrs"):
        settings_from({**whole, "canario:cluster_contents": "yes"})
    with pytest.raises(BadSetting, match="function_security_group_ids"):
        settings_from({**whole, "canario:function_subnet_ids": "subnet-0123abcd"})


def test_the_page_has_every_setting_and_its_default() -> None:
    """docs/settings.md's table, row by row in the code's words: what is not there, or otherwise, is found here."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", page, re.MULTILINE))

    assert rows == {each.name: written(default(each)) for each in fields(Settings)}


def default(each: Any) -> Any:
    return each.default_factory() if each.default is MISSING else each.default


def written(value: Any) -> str:
    """How the page writes a default."""
    if isinstance(value, bool):
        return "`yes`" if value else "`no`"
    if isinstance(value, tuple):
        value = ",".join(value)
    return f"`{value}`" if value or value == 0 else "none"
