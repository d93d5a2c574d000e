"""Image repositories, on ECR."""

from typing import Any

from botocore.exceptions import ClientError

from canario.adapters import aws

ABSENT = {"RepositoryNotFoundException", "ImageNotFoundException"}


class Repositories:
    """The repositories of one registry, `<account>.dkr.ecr.<region>.amazonaws.com`, and the tag that is in use."""

    def __init__(self, client: Any, registry: str, tag: str) -> None:
        self._client, self._registry, self._tag = client, registry.rstrip("/"), tag

    def digest(self, repository: str) -> str | None:
        """The image's digest; None when the repository or the tag is not there."""
        with aws.doing(f"looking for the image {self.reference(repository)}"):
            try:
                found = self._client.describe_images(repositoryName=repository, imageIds=[{"imageTag": self._tag}])
            except ClientError as error:
                if aws.code(error) in ABSENT:
                    return None
                raise
        details = found["imageDetails"]
        return str(details[0]["imageDigest"]) if details else None

    def reference(self, repository: str) -> str:
        """What a pod's `image` says to run it."""
        return f"{self._registry}/{repository}:{self._tag}"
