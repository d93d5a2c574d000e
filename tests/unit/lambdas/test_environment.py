"""A function's environment, and how its failures are read."""

import base64
import json

import pytest

from canario.adapters.causes import message
from lambdas.environment import BadEnvironment, environment_from

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
GOOD = {
    "CANARIO_TABLE": "records",
    "CANARIO_BUS": "canario",
    "CANARIO_CLUSTER_NAME": "canario",
    "CANARIO_CLUSTER_ENDPOINT": "https://127.9.0.1:6443",
    "CANARIO_CLUSTER_CA": base64.b64encode(PEM.encode()).decode(),
    "CANARIO_ZONE_ID": "Z1",
    "CANARIO_REGISTRY": "123456789012.dkr.ecr.us-west-1.amazonaws.com",
    "CANARIO_IMAGE_TAG": "0a1b2c3d4e5f",
    "CANARIO_DIALECTS": "appmesh,gateway",
    "CANARIO_METRICS_NAMESPACE": "Canario/Mesh",
}


def test_a_whole_environment_is_read() -> None:
    """The CA is decoded, the dialects split; only stage functions have a stage."""
    found = environment_from(GOOD)

    assert (found.cluster_ca, found.dialects, found.stage) == (PEM, ("appmesh", "gateway"), None)
    assert environment_from({**GOOD, "CANARIO_STAGE": "mesh"}).stage == "mesh"


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_variable_is_named(name: str) -> None:
    """Each variable is needed; the error is one line with its name."""
    with pytest.raises(BadEnvironment, match=f"^{name} is not set") as refused:
        environment_from({key: value for key, value in GOOD.items() if key != name})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CANARIO_TABLE", ""),
        ("CANARIO_CLUSTER_ENDPOINT", "http://plain"),
        ("CANARIO_CLUSTER_ENDPOINT", "https://"),
        ("CANARIO_CLUSTER_CA", "not base64!"),
        ("CANARIO_CLUSTER_CA", base64.b64encode(b"no certificate").decode()),
        ("CANARIO_DIALECTS", "appmesh,linkerd"),
    ],
)
def test_a_malformed_variable_is_named_with_what_is_allowed(name: str, value: str) -> None:
    """The error names the variable, its value and what is allowed."""
    with pytest.raises(BadEnvironment, match=f"^{name}: .* is not allowed; allowed: "):
        environment_from({**GOOD, name: value})


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("plain words", "plain words"),
        (json.dumps({"errorMessage": "stage mesh: failed", "errorType": "CheckFailed"}), "stage mesh: failed"),
        (json.dumps({"Error": "X", "Cause": json.dumps({"errorMessage": "inner"})}), "inner"),
        (json.dumps(["no object"]), '["no object"]'),
        (json.dumps({"something": "else"}), '{"something": "else"}'),
    ],
)
def test_a_cause_is_read_down_to_its_own_words(cause: str, expected: str) -> None:
    """Stack traces and nested executions are taken off; what cannot be read stays as it is."""
    assert message(cause) == expected
