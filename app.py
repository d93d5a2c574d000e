"""The CDK app: `cdk synth`, `cdk deploy --all`. Settings come as context (stacks/settings.py)."""

import sys

from aws_cdk import App, Tags

from stacks.canary import CanaryStack
from stacks.cluster import ClusterStack, existing_cluster
from stacks.constructs.cluster_reach import Cluster
from stacks.discovery import DiscoveryStack
from stacks.images import ImagesStack
from stacks.observability import ObservabilityStack
from stacks.records import RecordsStack
from stacks.registrar import RegistrarStack
from stacks.settings import BadSetting, Settings, settings_from
from stacks.workshop import WorkshopStack


def build(app: App, settings: Settings) -> None:
    """Every stack. None names an account or a region: a deployment's credentials say where it goes."""
    cluster = existing_cluster(settings) if settings.cluster_endpoint else own_cluster(app, settings)
    discovery = DiscoveryStack(app, "CanarioDiscovery", settings=settings, vpc=cluster.vpc)
    records = RecordsStack(app, "CanarioRecords")
    images = ImagesStack(app, "CanarioImages", settings=settings)
    canary = CanaryStack(app, "CanarioCanary", settings=settings, cluster=cluster, records=records, zone=discovery.zone)
    registrar = RegistrarStack(
        app,
        "CanarioRegistrar",
        settings=settings,
        cluster=cluster,
        records=records,
        zone=discovery.zone,
        namespace=discovery.namespace,
    )
    workshop = WorkshopStack(
        app,
        "CanarioWorkshop",
        settings=settings,
        cluster=cluster,
        records=records,
        zone=discovery.zone,
        namespace=discovery.namespace,
        repositories=images.repositories,
        rollouts=canary.machine,
    )
    ObservabilityStack(
        app,
        "CanarioObservability",
        settings=settings,
        bus=records.bus,
        workshops=workshop.machine,
        rollouts=canary.machine,
        registrar=registrar.function,
        observer=canary.observer,
    )
    Tags.of(app).add("canario", "true")


def own_cluster(app: App, settings: Settings) -> Cluster:
    return ClusterStack(app, "CanarioCluster", settings=settings).cluster


def main() -> None:
    app = App()
    try:
        settings = settings_from(app.node.get_all_context())
    except BadSetting as error:
        sys.exit(f"canario: {error}")
    build(app, settings)
    app.synth()


if __name__ == "__main__":
    main()
