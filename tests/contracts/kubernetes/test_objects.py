"""Creating, reading, writing and deleting objects; identity and compare-and-set."""

from __future__ import annotations

import pytest

from tests.contracts.kubernetes.http import Http
from tests.contracts.kubernetes.objects import config_map, deployment


def test_a_created_object_has_an_identity(api: Http, maps: str) -> None:
    """The server gives a uid, a resourceVersion and a creation time."""
    created = api.post(maps, config_map(a="1"))

    assert 201 == created.code
    assert {"uid", "resourceVersion", "creationTimestamp"} <= created.body["metadata"].keys()


def test_what_was_created_is_read_back(api: Http, maps: str) -> None:
    """A read gives what the create answered."""
    created = api.post(maps, config_map(a="1"))

    assert created.body == api.get(f"{maps}/settings").body


def test_a_name_is_taken_once(api: Http, maps: str) -> None:
    """A second object of a name is refused as AlreadyExists."""
    api.post(maps, config_map())
    again = api.post(maps, config_map())

    assert (409, "AlreadyExists") == (again.code, again.reason)


def test_an_absent_object_is_not_found(api: Http, maps: str) -> None:
    """The error names what was not found and of which kind."""
    missing = api.get(f"{maps}/nobody")

    assert (404, "NotFound") == (missing.code, missing.reason)
    assert {"name": "nobody", "kind": "configmaps"} == missing.body["details"]


def test_generate_name_makes_different_names(api: Http, maps: str) -> None:
    """Two objects with one generateName get two names that begin with it."""
    obj = config_map()
    obj["metadata"] = {"generateName": "settings-"}
    names = {api.post(maps, obj).body["metadata"]["name"] for _ in range(2)}

    assert 2 == len(names)
    assert all(name.startswith("settings-") and len(name) == 14 for name in names)


def test_a_namespace_must_exist(api: Http) -> None:
    """Nothing is created in a namespace that is not there."""
    refused = api.post("/api/v1/namespaces/nowhere/configmaps", config_map())

    assert (404, "NotFound") == (refused.code, refused.reason)


def test_a_stale_write_is_a_conflict(api: Http, maps: str) -> None:
    """A replace with an old resourceVersion changes nothing."""
    first = api.post(maps, config_map(a="1")).body
    api.put(f"{maps}/settings", first | {"data": {"a": "2"}})
    stale = api.put(f"{maps}/settings", first | {"data": {"a": "3"}})

    assert (409, "Conflict") == (stale.code, stale.reason)
    assert {"a": "2"} == api.get(f"{maps}/settings").body["data"]


def test_a_patch_can_carry_the_version_it_expects(api: Http, maps: str) -> None:
    """A merge patch with an old resourceVersion is a conflict, with the current one it is not."""
    first = api.post(maps, config_map(a="1")).body["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": first}, "data": {"a": "2"}}

    assert [200, 409] == [api.patch(f"{maps}/settings", patch).code for _ in range(2)]


def test_a_write_that_changes_nothing_is_no_new_version(api: Http, maps: str) -> None:
    """The resourceVersion stays, so that nobody who watches is woken."""
    created = api.post(maps, config_map(a="1")).body
    again = api.put(f"{maps}/settings", created).body

    assert created["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]


def test_generation_counts_what_was_wanted(api: Http, deployments: str) -> None:
    """The spec's changes bump the generation; labels and status do not."""
    api.post(deployments, deployment())
    labelled = api.patch(f"{deployments}/web", {"metadata": {"labels": {"a": "b"}}}).body
    status = api.patch(f"{deployments}/web/status", {"status": {"replicas": 1}}).body
    scaled = api.patch(f"{deployments}/web", {"spec": {"replicas": 3}}).body

    assert [1, 1, 2] == [o["metadata"]["generation"] for o in (labelled, status, scaled)]


def test_status_is_written_through_its_own_endpoint_only(api: Http, deployments: str) -> None:
    """The object's endpoint ignores status, the status endpoint ignores the spec."""
    api.post(deployments, deployment() | {"status": {"replicas": 7}})
    through_object = api.patch(f"{deployments}/web", {"status": {"replicas": 7}}).body
    both = {"status": {"replicas": 7}, "spec": {"replicas": 9}}
    through_status = api.patch(f"{deployments}/web/status", both).body

    assert "replicas" not in through_object.get("status", {})
    assert (7, 1) == (through_status["status"]["replicas"], through_status["spec"]["replicas"])


def test_scale_reads_and_writes_replicas(api: Http, deployments: str) -> None:
    """The scale subresource is a view of spec.replicas."""
    api.post(deployments, deployment())
    scale = api.get(f"{deployments}/web/scale").body
    api.put(f"{deployments}/web/scale", scale | {"spec": {"replicas": 4}})

    assert ("Scale", 1) == (scale["kind"], scale["spec"]["replicas"])
    assert 4 == api.get(f"{deployments}/web").body["spec"]["replicas"]


def test_dry_run_stores_nothing(api: Http, maps: str) -> None:
    """A dry run answers as the request would, and leaves no object."""
    answered = api.post(maps, config_map(a="1"), dryRun="All")

    assert (201, {"a": "1"}) == (answered.code, answered.body["data"])
    assert 404 == api.get(f"{maps}/settings").code


def test_a_deleted_object_is_gone(api: Http, maps: str) -> None:
    """A delete answers Success, and the object is not found any more."""
    api.post(maps, config_map())
    deleted = api.delete(f"{maps}/settings")

    assert (200, "Success") == (deleted.code, deleted.body["status"])
    assert 404 == api.get(f"{maps}/settings").code


def test_a_deletion_can_name_whom_it_means(api: Http, maps: str) -> None:
    """With another object's uid as precondition nothing is deleted."""
    api.post(maps, config_map())
    refused = api.delete(f"{maps}/settings", {"preconditions": {"uid": "somebody-else"}})

    assert (409, "Conflict") == (refused.code, refused.reason)
    assert 200 == api.get(f"{maps}/settings").code


def test_finalizers_hold_an_object(api: Http, maps: str) -> None:
    """A deleted object with a finalizer stays, marked, until the finalizer is removed."""
    obj = config_map()
    obj["metadata"]["finalizers"] = ["canario.test/hold"]
    api.post(maps, obj)
    api.delete(f"{maps}/settings")
    held = api.get(f"{maps}/settings").body
    api.patch(f"{maps}/settings", {"metadata": {"finalizers": None}})

    assert "deletionTimestamp" in held["metadata"]
    assert 404 == api.get(f"{maps}/settings").code


def test_a_collection_is_deleted_by_selector(api: Http, maps: str) -> None:
    """Only what the selector selects goes."""
    for name, tier in (("a", "one"), ("b", "one"), ("c", "two")):
        obj = config_map(name)
        obj["metadata"]["labels"] = {"tier": tier}
        api.post(maps, obj)
    api.delete(maps, labelSelector="tier=one")
    left = {item["metadata"]["name"] for item in api.get(maps).body["items"]}

    assert left - {"kube-root-ca.crt"} == {"c"}


def test_string_data_of_a_secret_is_encoded(api: Http, namespace: str) -> None:
    """stringData goes in and base64 data comes out."""
    secret = {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
    created = api.post(f"/api/v1/namespaces/{namespace}/secrets", secret).body

    assert ({"a": "Yg=="}, "Opaque") == (created["data"], created["type"])
    assert "stringData" not in created


def test_services_get_an_address_each(api: Http, namespace: str) -> None:
    """Two services have two cluster IPs; an update that does not mention them keeps them."""
    path = f"/api/v1/namespaces/{namespace}/services"
    body = {"spec": {"ports": [{"port": 80}], "selector": {"app": "web"}}}
    first, second = (api.post(path, body | {"metadata": {"name": n}}).body for n in ("a", "b"))
    version = {"name": "a", "resourceVersion": first["metadata"]["resourceVersion"]}
    kept = api.put(f"{path}/a", body | {"metadata": version})

    assert first["spec"]["clusterIP"] != second["spec"]["clusterIP"]
    assert first["spec"]["clusterIP"] == kept.body["spec"]["clusterIP"]
    assert (80, "TCP") == tuple(first["spec"]["ports"][0][key] for key in ("targetPort", "protocol"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("spec", "replicas"), 1),
        (("spec", "strategy", "type"), "RollingUpdate"),
        (("spec", "strategy", "rollingUpdate", "maxSurge"), "25%"),
        (("spec", "revisionHistoryLimit"), 10),
        (("spec", "progressDeadlineSeconds"), 600),
        (("spec", "template", "spec", "restartPolicy"), "Always"),
        (("spec", "template", "spec", "terminationGracePeriodSeconds"), 30),
        (("spec", "template", "spec", "dnsPolicy"), "ClusterFirst"),
        (("spec", "template", "spec", "containers", 0, "imagePullPolicy"), "Always"),
        (("spec", "template", "spec", "containers", 0, "ports", 0, "protocol"), "TCP"),
    ],
)
def test_deployments_have_defaults(api: Http, deployments: str, path: tuple[str | int, ...], expected: object) -> None:
    """What the author left out is filled in."""
    value = api.post(deployments, deployment()).body
    for step in path:
        value = value[step]

    assert expected == value
