"""Images in MiniStack's ECR."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from lab import boto, images
from lab.errors import LabError
from tests.ministack import ministack


@pytest.fixture(scope="module")
def ecr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    directory = tmp_path_factory.mktemp("ministack")
    with ministack(directory, ["ecr"]) as endpoint, closing(boto.client(endpoint, "ecr")) as client:
        yield client


def test_push(ecr: Any) -> None:
    """A push puts one image with its tag, an OCI manifest; a second push changes nothing."""
    ecr.create_repository(repositoryName="canario/nodejs")
    digests = [images.push(ecr, ["canario/nodejs"], tag="v1")["canario/nodejs"] for _ in range(2)]
    [image] = ecr.batch_get_image(repositoryName="canario/nodejs", imageIds=[{"imageTag": "v1"}])["images"]

    assert digests == [image["imageId"]["imageDigest"]] * 2
    assert json.loads(image["imageManifest"])["mediaType"] == "application/vnd.oci.image.manifest.v1+json"


def test_push_to_nowhere(ecr: Any) -> None:
    """A repository that is not there is named."""
    with pytest.raises(LabError, match="push canario/gone:v1: ECR said RepositoryNotFoundException"):
        images.push(ecr, ["canario/gone"], tag="v1")
