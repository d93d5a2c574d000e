"""The port `Images`: the fake, and ECR by moto and by MiniStack."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import boto3
import pytest

from canario.adapters import aws
from canario.adapters.ecr import Repositories
from canario.workshop.ports import Images
from tests.fakes import FakeImages

TAG = "v1"
REGISTRY = "123456789012.dkr.ecr.us-west-1.amazonaws.com"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": "sha256:0"},
        "layers": [],
    }
)


@dataclass
class Pushed:
    """A registry with one repository that has one image, tagged `v1`."""

    of: Callable[[str], Images]  # tag → the images of that tag
    repository: str
    digest: str

    @property
    def images(self) -> Images:
        return self.of(TAG)


@pytest.fixture
def pushed(aws_or_fake: boto3.Session | None) -> Pushed:
    repository = f"canario/{uuid4().hex}"
    if aws_or_fake is None:
        digests = {f"{repository}:{TAG}": "sha256:1"}
        return Pushed(lambda tag: FakeImages(digests, tag=tag), repository, "sha256:1")
    client = aws.client(aws_or_fake, "ecr")
    client.create_repository(repositoryName=repository)
    put = client.put_image(repositoryName=repository, imageManifest=MANIFEST, imageTag=TAG)
    digest = put["image"]["imageId"]["imageDigest"]
    return Pushed(lambda tag: Repositories(client, REGISTRY, tag), repository, digest)


def test_the_digest_of_an_image_that_is_there(pushed: Pushed):
    """A tag that is there has the digest that the push was answered with."""
    assert pushed.digest == pushed.images.digest(pushed.repository)


def test_an_absent_tag_has_no_digest(pushed: Pushed):
    """A tag that nobody pushed is None, not an error."""
    assert pushed.of("v9").digest(pushed.repository) is None


def test_an_absent_repository_has_no_digest(pushed: Pushed):
    """A repository that nobody made is None, not an error."""
    assert pushed.images.digest("canario/nobodys") is None


def test_a_reference_names_registry_repository_and_tag(pushed: Pushed):
    """The reference is what a pod's `image` says."""
    expected = f"{REGISTRY}/canario/nodejs:{TAG}"

    assert expected == pushed.images.reference("canario/nodejs")
