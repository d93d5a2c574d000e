"""cdk context → settings."""

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
        ("notify", "nobody"),
        ("notify", "http://plain"),
    ],
)
def test_a_bad_value_is_one_clear_line(name: str, value: Any) -> None:
    """The error names the setting as it is typed, its value, and what is allowed."""
    with pytest.raises(BadSetting, match=f"^setting canario:{name}: .* is not allowed; allowed: ") as refused:
        settings_from({f"canario:{name}": value})
    assert "\n" not in str(refused.value)
