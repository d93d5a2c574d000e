"""Tokens for EKS, held to what a cluster does with them: it asks STS and believes the answer."""

import base64

import boto3
import httpx2

from canario.adapters.eks import HEADER, PREFIX, EksToken


def test_sts_answers_who_signed(aws_environment, ministack: str):
    """The URL inside a token, asked with the cluster's name in its header, brings the signer's identity."""
    aws_environment.setenv("AWS_ENDPOINT_URL", ministack)
    encoded = EksToken(boto3.Session(), "workshops")().removeprefix(PREFIX)
    url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    answer = httpx2.get(url, headers={HEADER: "workshops"})

    assert (200, True) == (answer.status_code, "<GetCallerIdentityResult>" in answer.text)
