"""What is refused, and how clients are told."""

from __future__ import annotations

import pytest

from tests.contracts.kubernetes.http import Http
from tests.contracts.kubernetes.objects import config_map, deployment


def test_errors_are_status_objects(api: Http) -> None:
    """With the code that the answer has; where nothing is served, only the code is promised."""
    lost = api.get("/api/v1/namespaces/nobody")

    assert 404 == api.client.get("/apis/nobody.test/v1/things").status_code
    assert (404, "Status", "Failure", 404) == (lost.code, lost.body["kind"], lost.body["status"], lost.body["code"])


def test_strangers_are_unauthorized(api: Http) -> None:
    """A token that nobody gave out is 401."""
    answer = api.client.get("/api/v1/namespaces", headers={"Authorization": "Bearer stranger"})

    assert (401, "Unauthorized") == (answer.status_code, answer.json()["reason"])


def test_a_selector_must_match_its_template(api: Http, deployments: str) -> None:
    """A Deployment that would never find its pods is Invalid, with the field."""
    obj = deployment()
    obj["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    refused = api.post(deployments, obj)

    assert (422, "Invalid") == (refused.code, refused.reason)
    assert ["spec.template.metadata.labels"] == refused.fields
    assert 'Deployment.apps "web" is invalid' in refused.body["message"]


def test_a_selector_never_changes(api: Http, deployments: str) -> None:
    """It is immutable once created."""
    api.post(deployments, deployment())
    labels = {"app": "other"}
    patch = {"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}
    refused = api.patch(f"{deployments}/web", patch)

    assert (422, ["spec.selector"]) == (refused.code, refused.fields)


def test_required_fields_are_named(api: Http, namespace: str) -> None:
    """A container without a name and a service without ports."""
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"image": "x"}]}}
    service = {"metadata": {"name": "s"}, "spec": {"selector": {"a": "b"}}}

    assert ["spec.containers[0].name"] == api.post(f"/api/v1/namespaces/{namespace}/pods", pod).fields
    assert ["spec.ports"] == api.post(f"/api/v1/namespaces/{namespace}/services", service).fields


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "a" * 254])
def test_names_are_dns_names(api: Http, maps: str, name: str) -> None:
    """Anything else is Invalid at metadata.name."""
    refused = api.post(maps, config_map(name))

    assert (422, ["metadata.name"]) == (refused.code, refused.fields[:1])


def test_labels_are_checked(api: Http, maps: str) -> None:
    """A label value with a space is Invalid."""
    obj = config_map()
    obj["metadata"]["labels"] = {"a": "b c"}

    assert (422, ["metadata.labels"]) == (api.post(maps, obj).code, api.post(maps, obj).fields)


def test_a_wrong_type_is_a_bad_request(api: Http, deployments: str) -> None:
    """A built-in kind with a string for a number cannot be read."""
    obj = deployment()
    obj["spec"]["replicas"] = "three"
    refused = api.post(deployments, obj)

    assert (400, "BadRequest") == (refused.code, refused.reason)
    assert "cannot unmarshal string" in refused.body["message"]


@pytest.mark.parametrize(
    ("strictness", "code", "warned"), [("Strict", 400, False), ("Warn", 201, True), ("Ignore", 201, False)]
)
def test_unknown_fields_by_field_validation(
    api: Http, deployments: str, strictness: str, code: int, warned: bool
) -> None:
    """Strict refuses them, Warn names them in a header, Ignore drops them."""
    obj = deployment()
    obj["spec"]["replica"] = 3
    answer = api.post(deployments, obj, fieldValidation=strictness)

    assert (code, warned) == (answer.code, 'unknown field \\"spec.replica\\"' in answer.headers.get("Warning", ""))
    assert "replica" not in answer.body.get("spec", {})


def test_the_body_must_be_what_the_path_says(api: Http, maps: str, deployments: str) -> None:
    """Another kind, name or namespace than the URL's is a bad request."""
    api.post(maps, config_map())
    elsewhere = config_map()
    elsewhere["metadata"]["namespace"] = "elsewhere"

    assert 400 == api.post(maps, deployment()).code
    assert 400 == api.put(f"{maps}/settings", config_map("other")).code
    assert 400 == api.post(maps, elsewhere).code


def test_a_method_that_makes_no_sense_is_not_allowed(api: Http, maps: str) -> None:
    """405 for a PUT to a collection."""
    assert (405, "MethodNotAllowed") == (api.put(maps, config_map()).code, api.put(maps, config_map()).reason)


def test_pods_do_not_change_but_for_their_images(api: Http, namespace: str) -> None:
    """An image may change, a command may not."""
    pods = f"/api/v1/namespaces/{namespace}/pods"
    container = {"name": "web", "image": "x", "command": ["a"]}
    api.post(pods, {"metadata": {"name": "p"}, "spec": {"containers": [container]}})

    def change(**fields: object) -> int:
        patch = {"spec": {"containers": [container | fields]}}
        return api.patch(f"{pods}/p", patch, "application/strategic-merge-patch+json").code

    assert (200, 422) == (change(image="y"), change(command=["b"]))
