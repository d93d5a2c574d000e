"""What the functions write and may do, asked of a real kube-apiserver where KUBEBUILDER_ASSETS has one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import yaml

from canario.adapters.kubernetes import APPLY, Api
from canario.errors import CanarioError
from canario.workshop import access
from canario.workshop.kinds import NAMESPACE
from stacks.constructs.kubernetes_roles import kubernetes_roles
from tests.contracts.kubernetes import real
from tests.contracts.kubernetes.http import DEFINITIONS, Http, established
from tests.infrastructure.conftest import Template
from tests.infrastructure.test_cluster import manifests
from tests.infrastructure.watching import Watch
from tests.unit.mesh.schemas import CRDS

Obj = dict[str, Any]
STRICT = {"dryRun": "All", "fieldManager": "canario", "fieldValidation": "Strict"}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "bind", "escalate")
# What nobody was given: whoever could do these could do anything.
BEYOND = ("pods/exec", "nodes/proxy", "serviceaccounts/token", "roles.rbac.authorization.k8s.io")
SERVERS = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "deletionTimestamp")


@dataclass(frozen=True)
class Real:
    """An API server with RBAC and the CRDs of both dialects; `admin` may do everything."""

    url: str
    admin: Api

    def http(self, function: str) -> httpx2.Client:
        """A client that is in the function's Kubernetes group and in no other."""
        headers = {
            "Authorization": f"Bearer {real.TOKEN}",
            "Impersonate-User": "canario",
            "Impersonate-Group": access.group_of(function),
        }
        return httpx2.Client(base_url=self.url, headers=headers, verify=False, trust_env=False, timeout=30)

    def path(self, manifest: Mapping[str, Any]) -> str:
        return self.admin.path_of(dict(manifest))


@pytest.fixture(scope="module")
def cluster_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    binaries = real.assets()
    if binaries is None:
        pytest.skip("KUBEBUILDER_ASSETS names no directory with kube-apiserver and etcd")
    if not CRDS.is_dir():
        pytest.skip("the CRD schemas are not beside the repository (../shared/crds)")
    token = {"Authorization": f"Bearer {real.TOKEN}"}
    with (
        real.apiserver(binaries, tmp_path_factory.mktemp("real"), "RBAC") as url,
        httpx2.Client(base_url=url, headers=token, verify=False, trust_env=False, timeout=30) as client,
    ):
        admin = Api(client)
        for path in sorted(CRDS.glob("*.yaml")):
            for each in yaml.load_all(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                if each and each["kind"] == "CustomResourceDefinition":
                    made = client.post(DEFINITIONS, json=each)  # an older server refuses to apply rules
                    assert made.is_success, made.text
                    established(Http(client), each["metadata"]["name"])
        yield Real(url, admin)


@pytest.fixture(params=access.DIALECTS)
def dialect(request: pytest.FixtureRequest, cluster_api: Real) -> str:
    """The dialect, whose Roles are those that the cluster has now."""
    for each in kubernetes_roles([request.param]):
        cluster_api.admin.apply(each)
    return str(request.param)


def written(watch: Watch) -> Iterator[tuple[str, str, Obj]]:
    """Function, the port's method, the manifest: each once, without what only a server says."""
    seen = set()
    for function, method, manifest in watch.wrote:
        metadata = {key: value for key, value in manifest["metadata"].items() if key not in SERVERS}
        plain = {key: value for key, value in manifest.items() if key != "status"} | {"metadata": metadata}
        key = json.dumps([function, method, plain], sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield function, method, plain


def lost(sent: Any, kept: Any, where: str = "") -> list[str]:
    """The fields that the server dropped: it has no such field, whatever it says to `fieldValidation`."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        return [each for key in sent for each in lost(sent[key], kept.get(key, {}), f"{where}.{key}")]
    if isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        return [
            each for index, pair in enumerate(zip(sent, kept, strict=True)) for each in lost(*pair, f"{where}[{index}]")
        ]
    empty = sent in ({}, [], None, "", 0, False) and kept in ({}, [], None, "", 0, False)
    return [] if sent == kept or empty or where == ".stringData" or _quantity(where) else [f"{where}: {sent}"]


def _quantity(where: str) -> bool:
    """Quantities are written anew: 0.05 is 50m."""
    return ".resources." in where


def test_what_the_functions_write_is_taken_as_their_groups(
    cluster_api: Real, dialect: str, watches: Mapping[str, Watch]
) -> None:
    """Every manifest of every stage, nothing refused and no field lost; what is replaced is there before."""
    wrong, asked = [], 0
    _namespaces(cluster_api, watches[dialect])
    for function, method, manifest in written(watches[dialect]):
        asked += 1
        what = f"{function} {method} {manifest['kind']} {manifest['metadata']['name']}"
        try:
            answer = (
                _replace(cluster_api, function, manifest)
                if method == "replace"
                else _apply(cluster_api, function, manifest)
            )
            wrong += [f"{what} lost {each}" for each in lost(manifest, answer)]
        except CanarioError as error:
            wrong.append(f"{what}: {error}")

    assert wrong == []
    assert asked > 30


def _apply(cluster_api: Real, function: str, manifest: Obj) -> Obj:
    path, params = cluster_api.path(manifest), {**STRICT, "force": "true"}
    with cluster_api.http(function) as client:
        return _taken(client.patch(path, params=params, json=manifest, headers={"Content-Type": APPLY}))


def _replace(cluster_api: Real, function: str, manifest: Obj) -> Obj:
    """What is replaced is made before, by somebody who may."""
    version = {"resourceVersion": cluster_api.admin.apply(manifest)["metadata"]["resourceVersion"]}
    body = {**manifest, "metadata": {**manifest["metadata"], **version}}
    with cluster_api.http(function) as client:
        return _taken(client.put(cluster_api.path(manifest), params=STRICT, json=body))


def _taken(answer: httpx2.Response) -> Obj:
    if answer.is_error:
        raise CanarioError(answer.json()["message"])
    return dict(answer.json())


def _namespaces(cluster_api: Real, watch: Watch) -> None:
    for name in {manifest["metadata"].get("namespace") for _, _, manifest in written(watch)} - {None}:
        if cluster_api.admin.get(NAMESPACE, name) is None:
            cluster_api.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def test_a_function_may_do_its_own_and_not_one_step_more(cluster_api: Real, dialect: str) -> None:
    """As RBAC itself sees it: every verb on every resource that its Role names, and on what no Role names."""
    wrong = []
    for function in access.functions([dialect]):
        rules = access.rules(function, [dialect])
        allowed = {(verb, each.resource, each.group, each.name) for each in rules for verb in each.verbs}
        subjects = {(each.resource, each.group, each.name) for each in rules}
        subjects |= {(*_parted(each), "") for each in BEYOND}
        for verb in VERBS:
            for resource, group, name in sorted(subjects):
                may = cluster_api.admin.group_allowed(access.group_of(function), verb, resource, group, name)
                should = bool({(verb, resource, group, name), (verb, resource, group, "")} & allowed)
                if may != should:
                    wrong.append(f"{function} {verb} {resource}.{group} {name}: {may}")

    assert wrong == []


def _parted(resource: str) -> tuple[str, str]:
    plain, _, group = resource.partition(".")
    return plain, group


def test_what_the_cluster_comes_with_is_taken(cluster_api: Real, cluster: Template) -> None:
    """The collectors and the Roles that the stack applies, by whoever deploys: created, as CDK's kubectl does."""
    wrong, found = [], manifests(cluster)
    for name in {each["metadata"].get("namespace") for each in found} - {None}:
        cluster_api.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    with httpx2.Client(
        base_url=cluster_api.url, headers={"Authorization": f"Bearer {real.TOKEN}"}, verify=False, trust_env=False
    ) as client:
        for each in (one for one in found if one["kind"] != "Namespace"):
            collection = cluster_api.path(each).rpartition("/")[0]
            answer = client.post(collection, params=STRICT, json=each)
            what = f"{each['kind']} {each['metadata']['name']}"
            if answer.status_code == 409:  # the functions' Roles, which another test has applied
                assert each["kind"] in ("ClusterRole", "ClusterRoleBinding"), what
            elif answer.is_error:
                wrong.append(f"{what}: {answer.json()['message']}")
            else:
                wrong += [f"{what} lost {field}" for field in lost(each, answer.json())]

    assert wrong == []
    assert found
