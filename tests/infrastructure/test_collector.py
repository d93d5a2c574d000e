"""The collector of metrics on AWS: its rights, its one pod, its image."""

import json
from typing import Any

import pytest

from apps.collector.settings import settings_from
from canario.workshop.kinds import HTTP_ROUTE, NAMESPACE, POD
from stacks.constructs import collector_image
from stacks.constructs.collector_image import REPOSITORY, collector_tag
from stacks.constructs.image_builds import buildspec
from stacks.constructs.metrics_collector import NAME, manifests
from tests.infrastructure.conftest import Assembly, Template, read
from tests.infrastructure.reading import of_type
from tests.infrastructure.test_cluster import manifests as applied


def named(cluster: Template, kind: str) -> dict[str, Any]:
    (found,) = (each for each in applied(cluster) if each["kind"] == kind and each["metadata"]["name"] == NAME)
    return found


def test_it_may_put_the_contracts_metrics_and_do_nothing_else_in_aws(cluster: Template) -> None:
    """PutMetricData knows no resources: the condition says into which namespace."""
    policies = of_type(cluster, "AWS::IAM::Policy").items()
    (policy,) = (each for name, each in policies if name.startswith("ContentsMetricsIdentity"))
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert statement["Action"] == "cloudwatch:PutMetricData"
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Canario/Mesh"}}


def test_its_pods_are_the_identitys(cluster: Template) -> None:
    """The association's service account is the one that the pod runs as, in the same namespace."""
    pod = named(cluster, "StatefulSet")["spec"]["template"]["spec"]
    associations = of_type(cluster, "AWS::EKS::PodIdentityAssociation").values()
    (mine,) = (each for each in associations if each["ServiceAccount"] == NAME)

    assert pod["serviceAccountName"] == mine["ServiceAccount"]
    assert named(cluster, "StatefulSet")["metadata"]["namespace"] == mine["Namespace"]


def test_it_may_list_what_it_lists(cluster: Template) -> None:
    """Three kinds, by `list` alone, for its own service account alone."""
    rules = named(cluster, "ClusterRole")["rules"]
    allowed = {(group, resource) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]}
    (subject,) = named(cluster, "ClusterRoleBinding")["subjects"]

    assert allowed == {(kind.api_version.rpartition("/")[0], kind.plural) for kind in (NAMESPACE, POD, HTTP_ROUTE)}
    assert [rule["verbs"] for rule in rules] == [["list"]] * len(rules)
    assert (subject["kind"], subject["name"], subject["namespace"]) == ("ServiceAccount", NAME, "canario-system")


def test_there_is_never_a_second_one(cluster: Template) -> None:
    """Two would count every request twice: one replica, of a kind that starts no second while one may run."""
    assert named(cluster, "StatefulSet")["spec"]["replicas"] == 1


def test_its_pod_is_told_what_its_program_takes() -> None:
    """Every variable is one of the program's, with an allowed value; probes ask where it answers."""
    *_, workload = manifests("canario-system", "image", "us-west-1")
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    environment = {each["name"]: each["value"] for each in container["env"]}
    told = settings_from({**environment, "KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"})
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}

    assert environment["AWS_DEFAULT_REGION"] == "us-west-1"  # boto3 reads no AWS_REGION
    assert (told.window, told.api) == (60, "https://10.0.0.1:443")
    assert {ports[container[probe]["httpGet"]["port"]] for probe in ("readinessProbe", "livenessProbe")} == {
        told.health_port
    }


@pytest.mark.parametrize("installation", ["own", "own, all else"])
def test_the_image_that_it_runs_is_the_one_that_is_built(assembly_of: Assembly, installation: str) -> None:
    """Repository and tag are the build's, which has the collector's own folder and the package beside it."""
    templates = read(assembly_of(installation))
    (project,) = of_type(templates["CanarioImages"], "AWS::CodeBuild::Project").values()
    variables = {each["Name"]: each["Value"] for each in project["Environment"]["EnvironmentVariables"]}
    *_, command = json.loads(buildspec())["phases"]["build"]["commands"]
    (container,) = named(templates["CanarioCluster"], "StatefulSet")["spec"]["template"]["spec"]["containers"]

    assert container["image"].endswith(f"/{REPOSITORY}:{variables['COLLECTOR_TAG']}")
    assert f"docker push $REGISTRY/{REPOSITORY}:$COLLECTOR_TAG" in command
    for source in project["SecondarySources"]:
        assert f"$CODEBUILD_SRC_DIR_{source['SourceIdentifier']}" in command


def test_another_program_is_another_tag(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """What is in the image; not what is said about it, nor what Python leaves behind."""
    (tmp_path / "main.py").write_text("one")
    monkeypatch.setattr(collector_image, "SOURCES", {"collector": tmp_path})
    before = collector_tag()
    (tmp_path / "README.md").write_text("said about it")
    (tmp_path / "main.pyc").write_text("left behind")
    same = collector_tag()
    (tmp_path / "main.py").write_text("another")

    assert before == same != collector_tag()
