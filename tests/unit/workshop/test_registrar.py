"""What the registrar makes of pods, case by case."""

from typing import Any

import pytest

from canario.errors import RemoteError
from canario.workshop.cloud_map import ADDRESS, Instance, ServiceName
from canario.workshop.kinds import SERVICE, VIRTUAL_NODE
from canario.workshop.names import CLOUD_MAP_NAMESPACE, names
from canario.workshop.ports import Kind
from canario.workshop.registrar import Create, Delete, Deregister, Register, SetHealth, reconcile
from tests.fakes import FakeCloudMap
from tests.properties.registrar_strategies import Objects, attributes, node, pod, service

NODEJS = service("nodejs")
IP = "10.0.0.7"


def kinds(cluster: Objects, cloud: FakeCloudMap) -> list[type]:
    return [type(action) for action in reconcile(cluster, cloud).done]


def test_a_pod_has_the_attributes_that_the_app_mesh_controller_wrote() -> None:
    """Address, first health, pod, namespace, mesh, node, and the pod's own labels."""
    cloud = FakeCloudMap()
    outcome = reconcile(Objects([node("nodejs")], [pod("nodejs", "nodejs-1", IP)]), cloud)

    expected = {
        "app": "nodejs",
        "AWS_INSTANCE_IPV4": IP,
        "AWS_INIT_HEALTH_STATUS": "HEALTHY",
        "k8s.io/pod": "nodejs-1",
        "k8s.io/namespace": "ns",
        "appmesh.k8s.aws/mesh": "app-mesh",
        "appmesh.k8s.aws/virtualNode": "nodejs_ns",
    }
    assert (Create(NODEJS, ""), Register(NODEJS, IP, expected)) == outcome.done


def test_a_pod_has_what_its_node_asks_for() -> None:
    """Two nodes share a service, and tell their pods apart by the attributes that both name."""
    cloud, blue = FakeCloudMap(), node("nodejs")
    blue["spec"]["serviceDiscovery"]["awsCloudMap"]["attributes"] = [{"key": "color", "value": "blue"}]
    reconcile(Objects([blue], [pod("nodejs", "nodejs-1", IP)]), cloud)

    assert "blue" == cloud.registered[NODEJS][IP].attributes["color"]


def test_a_pod_is_registered_once_it_is_ready_and_unhealthy_when_it_is_not_any_more() -> None:
    """Readiness is the instance's health; only the first readiness registers."""
    cloud = FakeCloudMap()
    starting = Objects([node("nodejs")], [pod("nodejs", "nodejs-1", IP, ready=False)])
    running = Objects([node("nodejs")], [pod("nodejs", "nodejs-1", IP)])

    assert [Create] == kinds(starting, cloud)
    assert [Register] == kinds(running, cloud)
    assert [SetHealth] == kinds(starting, cloud)
    assert not cloud.instances(NODEJS)[IP].healthy
    assert [SetHealth] == kinds(running, cloud)


def test_a_pod_leaves_when_it_is_told_to_end() -> None:
    """It still serves then: whoever asks Cloud Map has stopped sending to it before it stops."""
    cloud = FakeCloudMap()
    kinds(Objects([node("nodejs")], [pod("nodejs", "nodejs-1", IP)]), cloud)

    assert [Deregister] == kinds(Objects([node("nodejs")], [pod("nodejs", "nodejs-1", IP, ending=True)]), cloud)


def test_an_address_may_come_to_another_pod() -> None:
    """The instance is written anew; it is not taken out, for the new pod is ready."""
    cloud = FakeCloudMap()
    kinds(Objects([node("nodejs")], [pod("nodejs", "nodejs-1", IP)]), cloud)

    assert [Register] == kinds(Objects([node("nodejs")], [pod("nodejs", "nodejs-2", IP)]), cloud)
    assert "nodejs-2" == cloud.instances(NODEJS)[IP].attributes["k8s.io/pod"]


def test_a_node_without_a_mesh_yet_registers_nothing_and_takes_nothing_out() -> None:
    """The controller says a moment later which mesh it is; a node that was replaced by hand loses no instance."""
    cloud = FakeCloudMap()
    cloud.create(NODEJS, "")
    cloud.registered[NODEJS][IP] = Instance(attributes("nodejs", "nodejs-1", IP))
    new = node("nodejs")
    del new["spec"]["meshRef"]
    pods = [pod("nodejs", "nodejs-1", IP), pod("nodejs", "nodejs-2", "10.0.0.8")]

    assert [] == kinds(Objects([new], pods), cloud)


def test_a_service_goes_with_the_last_node_that_names_it() -> None:
    """Its instances first; a service that somebody made by hand stays, empty."""
    cloud = FakeCloudMap()
    cluster = Objects([node("nodejs")], [pod("nodejs", "nodejs-1", IP)])
    kinds(cluster, cloud)
    by_hand = service("crystal")
    cloud.registered[by_hand] = {}

    assert [Deregister, Delete] == kinds(Objects([], cluster.pods), cloud)
    assert [by_hand] == list(cloud.registered)


def test_two_nodes_may_share_a_service() -> None:
    """As when two versions are told apart by attributes: the service has the pods of both."""
    blue, red = node("nodejs"), node("crystal")
    red["spec"]["serviceDiscovery"] = blue["spec"]["serviceDiscovery"]
    cloud = FakeCloudMap()
    reconcile(Objects([blue, red], [pod("nodejs", "b", IP), pod("crystal", "r", "10.0.0.8")]), cloud)

    assert {IP: "nodejs", "10.0.0.8": "crystal"} == {
        address: each.attributes["app"] for address, each in cloud.instances(NODEJS).items()
    }


def test_a_namespace_that_is_not_there_does_not_keep_the_others() -> None:
    """The problem is told; the other services are looked after."""
    lost = node("crystal")
    lost["spec"]["serviceDiscovery"]["awsCloudMap"]["namespaceName"] = "missing.local"
    cloud = FakeCloudMap()
    outcome = reconcile(Objects([lost, node("nodejs")], [pod("nodejs", "nodejs-1", IP)]), cloud)

    assert (f"making the Cloud Map service {ServiceName('missing.local', 'crystal')}: "
            "there is no namespace missing.local",) == outcome.problems  # fmt: skip
    assert [IP] == list(cloud.instances(NODEJS))


def test_a_cloud_map_that_does_not_answer_is_told() -> None:
    """Nothing is planned from half a picture."""

    class Silent(FakeCloudMap):
        def services(self, namespace: str) -> dict[ServiceName, str | None]:
            raise RemoteError("no answer")

    with pytest.raises(RemoteError, match="no answer"):
        reconcile(Objects([node("nodejs")], []), Silent())


def test_match_expressions_select_pods() -> None:
    """A selector is Kubernetes' whole selector."""
    choosy = node("nodejs")
    choosy["spec"]["podSelector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["nodejs"]}]}
    cloud = FakeCloudMap()
    reconcile(Objects([choosy], [pod("nodejs", "a", IP), pod("crystal", "b", "10.0.0.8")]), cloud)

    assert [IP] == list(cloud.instances(NODEJS))
    assert IP == cloud.instances(NODEJS)[IP].attributes[ADDRESS]


def test_workshops_share_the_namespace_without_sharing_names() -> None:
    """The default workshop has the document's names; no other id can lead to one of them."""
    found = [names(id).cloud_map(each).name for id in ("default", "v2", "turma-01") for each in ("nodejs", "nodejsv2")]

    assert ["nodejs", "nodejsv2", "nodejs-v2", "nodejsv2-v2", "nodejs-turma-01", "nodejsv2-turma-01"] == found
    assert f"nodejs.{CLOUD_MAP_NAMESPACE}" == names("default").cloud_map("nodejs").host


def labelled(name: str, annotation: str | None, selector: dict[str, str] | None) -> dict[str, Any]:
    """A Service, with the annotation that puts its pods into Cloud Map."""
    annotations = {"canario/cloud-map": annotation} if annotation else {}
    metadata = {"name": name, "namespace": "ns", "annotations": annotations, "labels": {"canario/workshop": "w"}}
    spec = {"selector": selector} if selector else {}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def test_the_pods_of_an_annotated_service_are_registered() -> None:
    """In the dialect `gateway`: as a VirtualNode's are, for the workshop of the Service's label."""
    cloud = FakeCloudMap()
    node_of_gateway = labelled("nodejs-app", str(NODEJS), {"app": "nodejs"})
    outcome = reconcile(Objects([], [pod("nodejs", "nodejs-1", IP)], [node_of_gateway]), cloud)

    assert [Create(NODEJS, "w"), Register] == [outcome.done[0], type(outcome.done[1])]
    found = cloud.instances(NODEJS)[IP].attributes
    assert ("istio", "nodejs-app_ns") == (found["appmesh.k8s.aws/mesh"], found["appmesh.k8s.aws/virtualNode"])


def test_a_service_without_annotation_or_selector_registers_nobody() -> None:
    """Every application has such Services; without a selector there are no pods to speak of."""
    cloud = FakeCloudMap()
    services = [labelled("a", None, {"app": "nodejs"}), labelled("b", str(NODEJS), None)]
    outcome = reconcile(Objects([], [pod("nodejs", "nodejs-1", IP)], services), cloud)

    assert [Create] == [type(action) for action in outcome.done]


def test_a_service_that_loses_its_annotation_takes_its_pods_out() -> None:
    """And its Cloud Map service, which nobody else names."""
    cloud, pods = FakeCloudMap(), [pod("nodejs", "nodejs-1", IP)]
    reconcile(Objects([], pods, [labelled("nodejs-app", str(NODEJS), {"app": "nodejs"})]), cloud)
    outcome = reconcile(Objects([], pods, [labelled("nodejs-app", None, {"app": "nodejs"})]), cloud)

    assert (Deregister(NODEJS, IP), Delete(NODEJS)) == outcome.done


def test_only_the_kinds_of_the_dialects_that_work_here_are_read() -> None:
    """Where App Mesh cannot work nobody may list its nodes, and the cluster refuses before it says there are none."""
    cloud, asked = FakeCloudMap(), []

    class Narrow(Objects):
        def list(self, kind: Kind, namespace: str | None = None, labels: Any = None) -> list[Any]:
            asked.append(kind.name)
            return super().list(kind, namespace, labels)

    reconcile(Narrow([node("nodejs")], [pod("nodejs", "nodejs-1", IP)]), cloud, kinds=[SERVICE])

    assert (["Service"], {}) == (asked, cloud.registered)


def test_what_another_dialects_registrar_looks_after_is_left_alone() -> None:
    """Beside it, one that knows Services alone takes out no VirtualNode's pods, and no service that is still empty."""
    cloud = FakeCloudMap()
    reconcile(Objects([node("nodejs"), node("empty")], [pod("nodejs", "nodejs-1", IP)]), cloud)
    both = reconcile(Objects([], []), cloud, kinds=[SERVICE], alone=False)
    alone = reconcile(Objects([], []), cloud, kinds=[SERVICE])

    assert () == both.done
    assert {Deregister, Delete} == {type(action) for action in alone.done}


def test_each_registrar_takes_out_its_own() -> None:
    """The nodes of its kind that went are its own to clean up, with their service."""
    cloud = FakeCloudMap()
    reconcile(Objects([node("nodejs")], [pod("nodejs", "nodejs-1", IP)]), cloud)
    gone = reconcile(Objects([], []), cloud, kinds=[VIRTUAL_NODE], alone=False)

    assert [Deregister, Delete] == [type(action) for action in gone.done]
