"""What the API says about itself."""

from __future__ import annotations

import pytest

from tests.contracts.kubernetes.http import Http

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
NEEDED = {
    "/api/v1": {"namespaces", "pods", "pods/log", "pods/proxy", "pods/status", "services", "endpoints"}
    | {"configmaps", "secrets", "serviceaccounts", "events", "nodes"},
    "/apis/apps/v1": {"deployments", "deployments/scale", "deployments/status", "replicasets"},
    "/apis/coordination.k8s.io/v1": {"leases"},
    "/apis/discovery.k8s.io/v1": {"endpointslices"},
    "/apis/apiextensions.k8s.io/v1": {"customresourcedefinitions"},
    "/apis/admissionregistration.k8s.io/v1": {"mutatingwebhookconfigurations"},
    "/apis/rbac.authorization.k8s.io/v1": {"roles", "rolebindings", "clusterroles", "clusterrolebindings"},
    "/apis/authorization.k8s.io/v1": {"selfsubjectaccessreviews"},
}


def test_the_server_has_a_version(api: Http) -> None:
    """Major, minor and a semantic version."""
    version = api.get("/version").body

    assert ("1", True) == (version["major"], version["gitVersion"].startswith("v1."))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_health_is_plain_text(api: Http, path: str) -> None:
    """`ok` for whoever asks."""
    assert "ok" == api.client.get(path).text


@pytest.mark.parametrize("path", NEEDED)
def test_resources_are_listed(api: Http, path: str) -> None:
    """Every resource that the workshop needs."""
    assert NEEDED[path] <= {r["name"] for r in api.get(path).body["resources"]}


def test_groups_are_listed(api: Http) -> None:
    """In the plain form, with their preferred version."""
    groups = {g["name"]: g["preferredVersion"]["version"] for g in api.get("/apis").body["groups"]}

    assert ("v1", "v1") == (groups["apps"], groups["apiextensions.k8s.io"])


@pytest.mark.parametrize(("path", "group", "plural"), [("/api", "", "pods"), ("/apis", "apps", "deployments")])
def test_aggregated_discovery_has_everything_in_one_answer(api: Http, path: str, group: str, plural: str) -> None:
    """What kubectl asks first."""
    answer = api.as_(AGGREGATED, path)
    groups = {item["metadata"].get("name", ""): item for item in answer.body["items"]}
    resources = {r["resource"]: r for r in groups[group]["versions"][0]["resources"]}

    assert "as=APIGroupDiscoveryList" in answer.headers["Content-Type"]
    assert "Namespaced" == resources[plural]["scope"]
    assert "status" in {s["subresource"] for s in resources[plural]["subresources"]}


def test_openapi_says_that_patches_are_validated_by_the_server(api: Http) -> None:
    """kubectl leaves validation to a server whose PATCH takes fieldValidation."""
    path = api.get("/openapi/v3").body["paths"]["apis/apps/v1"]["serverRelativeURL"]
    document = api.get(path).body
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]

    assert "Deployment" == patch["x-kubernetes-group-version-kind"]["kind"]
    assert "fieldValidation" in {p["name"] for p in patch["parameters"]}


def test_who_may_do_what_is_answered(api: Http) -> None:
    """The admin may."""
    attributes = {"verb": "create", "resource": "pods", "namespace": "default"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)

    assert (201, True) == (answer.code, answer.body["status"]["allowed"])
