"""The CDK app: `cdk synth`, `cdk deploy --all`. Settings come as context (stacks/settings.py)."""

import sys

from aws_cdk import App, Environment, Tags

from stacks.canary import CanaryStack
from stacks.cluster import ClusterStack, ContentsStack, existing_cluster
from stacks.constructs.cluster_reach import Cluster
from stacks.discovery import DiscoveryStack
from stacks.images import ImagesStack
from stacks.observability import ObservabilityStack
from stacks.records import RecordsStack
from stacks.registrar import RegistrarStack
from stacks.settings import BadSetting, Settings, settings_from
from stacks.workshop import WorkshopStack


def build(app: App, settings: Settings) -> None:
    """Every stack. None names an account: a deployment's credentials do. Nor a region, unless the settings do."""
    where = Environment(region=settings.region) if settings.region else None
    cluster = named_cluster(app, settings, where) if settings.cluster_endpoint else own_cluster(app, settings, where)
    discovery = DiscoveryStack(app, "CanarioDiscovery", settings=settings, vpc=cluster.vpc, env=where)
    records = RecordsStack(app, "CanarioRecords", env=where)
    images = ImagesStack(app, "CanarioImages", settings=settings, env=where)
    canary = CanaryStack(
        app, "CanarioCanary", settings=settings, cluster=cluster, records=records, zone=discovery.zone, env=where
    )
    registrar = RegistrarStack(
        app,
        "CanarioRegistrar",
        settings=settings,
        env=where,
        cluster=cluster,
        records=records,
        zone=discovery.zone,
        namespace=discovery.namespace,
    )
    workshop = WorkshopStack(
        app,
        "CanarioWorkshop",
        settings=settings,
        env=where,
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
        env=where,
        bus=records.bus,
        workshops=workshop.machine,
        rollouts=canary.machine,
        registrar=registrar.function,
        observer=canary.observer,
    )
    Tags.of(app).add("canario", "true")


def named_cluster(app: App, settings: Settings, where: Environment | None) -> Cluster:
    if settings.cluster_contents:
        ContentsStack(app, "CanarioCluster", settings=settings, env=where)
    return existing_cluster(settings)


def own_cluster(app: App, settings: Settings, where: Environment | None) -> Cluster:
    return ClusterStack(app, "CanarioCluster", settings=settings, env=where).cluster


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
