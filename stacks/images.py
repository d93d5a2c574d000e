"""The image repositories of the demo services. The builds that fill them belong here too."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ecr as ecr
from constructs import Construct

REPOSITORIES = ("canario/frontend", "canario/nodejs", "canario/nodejs-v2", "canario/crystal")


class ImagesStack(Stack):
    def __init__(self, scope: Construct, id: str, **kwargs: object) -> None:
        super().__init__(scope, id, description="Canario: the demo services' image repositories", **kwargs)
        self.repositories = tuple(_repository(self, name) for name in REPOSITORIES)


def _repository(scope: Construct, name: str) -> ecr.Repository:
    return ecr.Repository(
        scope,
        name.removeprefix("canario/"),
        repository_name=name,
        image_scan_on_push=True,
        encryption=ecr.RepositoryEncryption.AES_256,
        removal_policy=RemovalPolicy.DESTROY,
        empty_on_delete=False,
    )
