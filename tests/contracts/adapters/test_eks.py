"""Tokens for EKS, held to what a cluster does with them: it asks STS and believes the answer."""

import base64
from pathlib import Path

import boto3
import httpx2
import pytest
import yaml

from canario.adapters.eks import HEADER, PREFIX, EksToken
from canario.adapters.kubernetes import Cluster
from canario.errors import RemoteError
from canario.workshop.kinds import NAMESPACE


def test_sts_answers_who_signed(aws_environment, ministack: str):
    """The URL inside a token, asked with the cluster's name in its header, brings the signer's identity."""
    aws_environment.setenv("AWS_ENDPOINT_URL", ministack)
    encoded = EksToken(boto3.Session(), "workshops")().removeprefix(PREFIX)
    url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    answer = httpx2.get(url, headers={HEADER: "workshops"})

    assert (200, True) == (answer.status_code, "<GetCallerIdentityResult>" in answer.text)


def connection(kubeconfig: Path) -> tuple[str, str]:
    """Endpoint and CA of the lab cluster, as the stacks would hand them to a function."""
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    return cluster["server"], base64.b64decode(cluster["certificate-authority-data"]).decode()


def test_a_cluster_lets_the_signer_in(aws_environment, ministack: str, kubeconfig: Path):
    """A function's own credentials open the cluster: no other secret is needed."""
    aws_environment.setenv("AWS_ENDPOINT_URL", ministack)
    with Cluster(*connection(kubeconfig), EksToken(boto3.Session(), "canario")) as cluster:
        names = [each["metadata"]["name"] for each in cluster.list(NAMESPACE)]

    assert "default" in names


def test_a_cluster_refuses_a_stranger(kubeconfig: Path):
    """A token that nobody vouches for is 401, said in one line."""
    with (
        Cluster(*connection(kubeconfig), lambda: "stranger") as cluster,
        pytest.raises(RemoteError, match="listing namespaces in all namespaces: the Kubernetes API said 401: "),
    ):
        cluster.list(NAMESPACE)


def test_a_server_of_another_ca_is_refused(kubeconfig: Path):
    """Without the cluster's CA there is no connection to it."""
    server, _ = connection(kubeconfig)
    with (
        Cluster(server, "", lambda: "token") as cluster,
        pytest.raises(RemoteError, match="no answer from .*CERTIFICATE_VERIFY_FAILED"),
    ):
        cluster.list(NAMESPACE)
