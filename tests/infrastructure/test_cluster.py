"""The cluster of our own: who reaches what, and what it is told."""

import json
from typing import Any

import pytest

from canario.mesh.istio_dump import envoy_filter
from canario.workshop.access import functions, group_of
from stacks.constructs.metrics_collector import NAME as COLLECTOR
from stacks.constructs.python_function import function_key
from tests.infrastructure.conftest import INSTALLATIONS, Assembly, Template, read
from tests.infrastructure.reading import of_type

FUNCTIONS = ("CanarioWorkshop", "CanarioCanary", "CanarioRegistrar")


def only(template: Template, kind: str) -> dict[str, Any]:
    (found,) = of_type(template, kind).values()
    return dict(found)


def test_the_cluster_has_the_documents_names(cluster: Template) -> None:
    """Cluster app-mesh, node group standard-workers, three nodes, one to four."""
    group = only(cluster, "AWS::EKS::Nodegroup")

    assert only(cluster, "AWS::EKS::Cluster")["Name"] == "app-mesh"
    assert group["NodegroupName"] == "standard-workers"
    assert group["ScalingConfig"] == {"DesiredSize": 3, "MinSize": 1, "MaxSize": 4}


def test_its_endpoint_is_private_unless_somebody_asks(assembly_of: Assembly) -> None:
    """And where somebody does, it is public to the ranges that the settings name, no other."""
    private, public = (
        only(read(assembly_of(name))["CanarioCluster"], "AWS::EKS::Cluster")["ResourcesVpcConfig"]
        for name in ("own", "own, all else")
    )

    assert (private["EndpointPublicAccess"], private["EndpointPrivateAccess"]) == (False, True)
    assert (public["EndpointPublicAccess"], public["EndpointPrivateAccess"]) == (True, True)
    assert public["PublicAccessCidrs"] == ["203.0.113.0/24"]


def test_the_control_plane_logs_everything_into_a_group_that_ends(cluster: Template) -> None:
    """EKS would make the group itself, and it would stay for ever."""
    logging = only(cluster, "AWS::EKS::Cluster")["Logging"]["ClusterLogging"]["EnabledTypes"]
    groups = {each.get("LogGroupName"): each for each in of_type(cluster, "AWS::Logs::LogGroup").values()}

    assert {each["Type"] for each in logging} == {"api", "audit", "authenticator", "controllerManager", "scheduler"}
    assert groups["/aws/eks/app-mesh/cluster"]["RetentionInDays"] == 30
    assert all("RetentionInDays" in each for each in groups.values())


def test_nodes_have_encrypted_disks_and_keep_their_metadata_from_pods(cluster: Template) -> None:
    """Pods' rights are Pod Identity's: what the node may do is not theirs."""
    data = only(cluster, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]

    assert [each["Ebs"]["Encrypted"] for each in data["BlockDeviceMappings"]] == [True]
    assert (data["MetadataOptions"]["HttpTokens"], data["MetadataOptions"]["HttpPutResponseHopLimit"]) == (
        "required",
        1,
    )


@pytest.mark.parametrize(
    ("installation", "ami"), [("own", "AL2023_x86_64_STANDARD"), ("own, all else", "AL2023_ARM_64_STANDARD")]
)
def test_the_nodes_image_is_of_their_architecture(assembly_of: Assembly, installation: str, ami: str) -> None:
    """A Graviton type needs an ARM image."""
    assert only(read(assembly_of(installation))["CanarioCluster"], "AWS::EKS::Nodegroup")["AmiType"] == ami


def test_only_the_load_balancers_subnets_are_public(cluster: Template) -> None:
    """Nodes are in the private ones, the control plane in its own, and no subnet gives public addresses by itself."""
    subnets = of_type(cluster, "AWS::EC2::Subnet")
    roles = {name: {tag["Key"] for tag in each["Tags"]} for name, each in subnets.items()}
    nodes, control_plane = (
        {each["Ref"] for each in found}
        for found in (
            only(cluster, "AWS::EKS::Nodegroup")["Subnets"],
            only(cluster, "AWS::EKS::Cluster")["ResourcesVpcConfig"]["SubnetIds"],
        )
    )

    assert not any(each["MapPublicIpOnLaunch"] for each in subnets.values())
    assert nodes == {name for name, tags in roles.items() if "kubernetes.io/role/internal-elb" in tags}
    assert control_plane == {name for name, tags in roles.items() if not any("role" in tag for tag in tags)}


def test_proxies_answer_the_control_plane_alone(cluster: Template) -> None:
    """From where nothing else is: the EnvoyFilter's sources are the CIDRs of the control plane's subnets."""
    subnets = of_type(cluster, "AWS::EC2::Subnet")
    used = only(cluster, "AWS::EKS::Cluster")["ResourcesVpcConfig"]["SubnetIds"]
    (shown,) = (each for each in manifests(cluster) if each["kind"] == "EnvoyFilter")

    assert shown["spec"] == envoy_filter([subnets[each["Ref"]]["CidrBlock"] for each in used])["spec"]


def test_proxies_are_told_once_istio_is_there(cluster: Template) -> None:
    """The EnvoyFilter's kind is Istio's, and istiod looks at it first."""
    resources = cluster["Resources"]
    (told,) = (each for name, each in resources.items() if name.startswith("ContentsShowWhatIsInForce"))
    after = [resources[name]["Properties"].get("Release") for name in told["DependsOn"]]

    assert {"istio-base", "istiod"} <= set(after)


@pytest.mark.parametrize("installation", ["existing", "existing, public"])
def test_a_cluster_that_exists_gets_the_same(assembly_of: Assembly, installation: str) -> None:
    """Rights, both collectors with their roles, the EnvoyFilter with the settings' sources; no cluster, no chart."""
    made = read(assembly_of(installation))["CanarioCluster"]
    own = read(assembly_of("own"))["CanarioCluster"]
    known = {(each["kind"], each["metadata"]["name"]) for each in manifests(own)}
    (shown,) = (each for each in manifests(made) if each["kind"] == "EnvoyFilter")
    balancers = ("ServiceAccount", "aws-load-balancer-controller")

    assert {(each["kind"], each["metadata"]["name"]) for each in manifests(made)} == known - {balancers}
    assert shown["spec"] == envoy_filter(INSTALLATIONS[installation].api_server_cidrs)["spec"]
    assert not of_type(made, "AWS::EKS::Cluster")
    assert not of_type(made, "Custom::AWSCDK-EKS-HelmChart")
    assert {each["ClusterName"] for each in of_type(made, "AWS::EKS::PodIdentityAssociation").values()} == {"app-mesh"}


@pytest.mark.parametrize("installation", ["existing", "existing, public"])
def test_what_is_applied_to_a_cluster_that_exists_waits_for_the_right_to(
    assembly_of: Assembly, installation: str
) -> None:
    """The provider's access entry is there before the first object and goes after the last."""
    resources = read(assembly_of(installation))["CanarioCluster"]["Resources"]
    (entry,) = (name for name, each in resources.items() if each["Type"] == "AWS::EKS::AccessEntry")
    applied = [each for each in resources.values() if each["Type"] == "Custom::AWSCDK-EKS-KubernetesResource"]

    assert applied
    assert all(entry in each["DependsOn"] for each in applied)


@pytest.mark.parametrize("installation", ["own", "own, all else", "existing"])
def test_each_function_enters_the_cluster_in_a_group_of_its_own(assembly_of: Assembly, installation: str) -> None:
    """The functions that have something to do there, those and no other; none with an access policy of EKS's own."""
    templates = read(assembly_of(installation))
    seen: dict[str, list[str]] = {}
    for stack in FUNCTIONS:
        for name, entry in of_type(templates[stack], "AWS::EKS::AccessEntry").items():
            assert "AccessPolicies" not in entry
            seen[key_of(templates[stack], entry)] = entry["KubernetesGroups"]
            assert name
    every = {
        key_of_function(each)
        for stack in FUNCTIONS
        for each in of_type(templates[stack], "AWS::Lambda::Function").values()
    }

    dialects = ("gateway", "appmesh") if installation == "own, all else" else ("gateway",)
    assert seen == {key: [group_of(key)] for key in every & set(functions(dialects))}


def key_of(template: Template, entry: dict[str, Any]) -> str:
    """The function whose role the entry is of."""
    role = entry["PrincipalArn"]["Fn::GetAtt"][0]
    found = of_type(template, "AWS::Lambda::Function").values()
    return key_of_function(next(each for each in found if each["Role"]["Fn::GetAtt"][0] == role))


def key_of_function(each: dict[str, Any]) -> str:
    return function_key(each["Handler"], each["Environment"]["Variables"])


def manifests(template: Template) -> list[dict[str, Any]]:
    """Every Kubernetes object that the stack applies; references are left as they are named."""
    found = of_type(template, "Custom::AWSCDK-EKS-KubernetesResource").values()
    texts = [each["Manifest"] for each in found]
    return [obj for text in texts for obj in json.loads(text if isinstance(text, str) else joined(text))]


def joined(text: dict[str, Any]) -> str:
    return "".join(part if isinstance(part, str) else "REFERENCE" for part in text["Fn::Join"][1])


def test_every_group_has_a_role_and_no_other_is_bound(cluster: Template) -> None:
    """One ClusterRole a function, bound to the function's group alone, without a wildcard."""
    objects = [each for each in manifests(cluster) if each["metadata"]["name"] != COLLECTOR]  # test_collector.py
    roles = {each["metadata"]["name"]: each for each in objects if each["kind"] == "ClusterRole"}
    bindings = [each for each in objects if each["kind"] == "ClusterRoleBinding"]

    assert set(roles) == {group_of(function) for function in functions(("gateway",))}
    for binding in bindings:
        assert binding["roleRef"]["name"] == binding["subjects"][0]["name"] == binding["metadata"]["name"]
        assert [each["kind"] for each in binding["subjects"]] == ["Group"]
    assert len(bindings) == len(roles)
    assert "*" not in json.dumps([each["rules"] for each in roles.values()])


def test_charts_come_in_order_and_at_fixed_versions(cluster: Template) -> None:
    """The definitions before Istio, Istio after the nodes, and nothing at whatever version is newest today."""
    charts = {
        name: each for name, each in cluster["Resources"].items() if each["Type"] == "Custom::AWSCDK-EKS-HelmChart"
    }
    after = {each["Properties"]["Release"]: set(each["DependsOn"]) & set(charts) for each in charts.values()}
    names = {each["Properties"]["Release"]: name for name, each in charts.items()}

    assert set(names) == {"gateway-api", "istio-base", "istio-cni", "istiod", "aws-load-balancer-controller"}
    assert names["gateway-api"] in after["istio-base"]
    assert names["istio-base"] in after["istio-cni"]
    assert names["istio-cni"] in after["istiod"]
    for name, each in charts.items():
        assert "Version" in each["Properties"] or "ChartAssetURL" in each["Properties"], name


def test_traces_have_somewhere_to_go(cluster: Template) -> None:
    """The provider that Istio names is the collector's Service, and the collector may do no more than send."""
    service = next(each for each in manifests(cluster) if each["kind"] == "Service")
    charts = of_type(cluster, "Custom::AWSCDK-EKS-HelmChart").values()
    istiod = next(json.loads(each["Values"]) for each in charts if each["Release"] == "istiod")
    (provider,) = istiod["meshConfig"]["extensionProviders"]
    policies = of_type(cluster, "AWS::IAM::Policy")
    statements = [
        policy["PolicyDocument"]["Statement"] for name, policy in policies.items() if name.startswith("ContentsTraces")
    ]

    where = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    assert provider["opentelemetry"] == {"service": where, "port": service["spec"]["ports"][0]["port"]}
    assert [each["Action"] for (each,) in statements] == ["xray:PutTraceSegments"]


def test_what_the_load_balancer_controller_changes_is_this_clusters(cluster: Template) -> None:
    """Every statement that changes something names the tag, but for those whose resources have none."""
    policies = of_type(cluster, "AWS::IAM::Policy")
    (policy,) = (each for name, each in policies.items() if name.startswith("ChartsLoadBalancers"))
    untagged = {
        each["Sid"]
        for each in policy["PolicyDocument"]["Statement"]
        if "app-mesh" not in json.dumps(each.get("Condition", {}))
    }

    assert untagged == {"Look", "LinkedRole", "CreateGroupsInTheVpc", "Listeners"}
