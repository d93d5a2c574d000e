"""The demo services' and the collector's images: ECR repositories, and the build that fills them.

A tag is the digest of what an image is made from, and cannot be pushed twice: what a deployment names is what was
tested. The build runs in CodeBuild, so that nobody who deploys needs Docker.
"""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from stacks.constructs.collector_image import REPOSITORY as COLLECTOR
from stacks.constructs.collector_image import collector_tag
from stacks.constructs.image_builds import ImageBuilds
from stacks.constructs.image_tag import SOURCE, image_tag
from stacks.settings import Settings

REPOSITORIES = ("canario/frontend", "canario/nodejs", "canario/nodejs-v2", "canario/crystal")
KEPT_IMAGES = 10


class ImagesStack(Stack):
    def __init__(self, scope: Construct, id: str, *, settings: Settings, **kwargs: object) -> None:
        super().__init__(scope, id, description="Canario: the demo services' images", **kwargs)
        self.repositories = tuple(_repository(self, name) for name in REPOSITORIES)
        collector = _repository(self, COLLECTOR)
        tag = image_tag(settings)
        if settings.image_builds:
            ImageBuilds(
                self,
                "Builds",
                source=SOURCE,
                repositories=(*self.repositories, collector),
                tag=tag,
                collector_tag=collector_tag(),
                node_type=settings.node_type,
                log_retention=settings.log_retention_days,
            )
        CfnOutput(self, "ImageTag", value=tag)


def _repository(scope: Construct, name: str) -> ecr.Repository:
    return ecr.Repository(
        scope,
        name.removeprefix("canario/"),
        repository_name=name,
        image_scan_on_push=True,
        image_tag_mutability=ecr.TagMutability.IMMUTABLE,
        encryption=ecr.RepositoryEncryption.AES_256,
        lifecycle_rules=[
            ecr.LifecycleRule(
                description="what no tag names", tag_status=ecr.TagStatus.UNTAGGED, max_image_age=Duration.days(1)
            ),
            ecr.LifecycleRule(description=f"the last {KEPT_IMAGES}", max_image_count=KEPT_IMAGES),
        ],
        removal_policy=RemovalPolicy.DESTROY,
        empty_on_delete=True,
    )
