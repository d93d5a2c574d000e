"""Tokens for an EKS cluster.

A token is `k8s-aws-v1.` and the unpadded base64url of a presigned STS GetCallerIdentity whose signature
covers the header `x-k8s-aws-id`, the cluster's name. The cluster sends the request on and learns who signed.
Source: https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
"""

import base64
import time
from collections.abc import Callable

import boto3
from botocore.signers import RequestSigner

from canario.adapters import aws

PREFIX = "k8s-aws-v1."
HEADER = "x-k8s-aws-id"
EXPIRES_SECONDS = 60  # what EKS asks the URL to say; the cluster itself accepts a token for 15 minutes
CACHED_SECONDS = 600.0


class EksToken:
    """Gives a token that the cluster accepts for minutes more; signs anew when the last is ten minutes old.

    `sts_endpoint` overrides where botocore would find STS. `now` is the time in seconds by the wall clock:
    a Lambda's monotonic clock may stand still while the function is frozen.
    """

    def __init__(
        self,
        session: boto3.Session,
        cluster: str,
        *,
        sts_endpoint: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._session, self._cluster, self._now = session, cluster, now
        self._endpoint = sts_endpoint
        self._token, self._signed = "", float("-inf")

    def __call__(self) -> str:
        """Raises RemoteError when there are no credentials to sign with."""
        if self._now() - self._signed >= CACHED_SECONDS:
            self._token, self._signed = self._sign(), self._now()
        return self._token

    def _sign(self) -> str:
        with aws.doing(f"signing a token for the cluster {self._cluster}"):
            url = self._presigned_url()
        return PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")

    def _presigned_url(self) -> str:
        sts = aws.client(self._session, "sts").meta
        endpoint = (self._endpoint or sts.endpoint_url).rstrip("/")
        signer = RequestSigner(
            sts.service_model.service_id,
            sts.region_name,
            sts.service_model.signing_name,
            "v4",
            self._session.get_credentials(),
            self._session.events,
        )
        request = {
            "method": "GET",
            "url": f"{endpoint}/?Action=GetCallerIdentity&Version={sts.service_model.api_version}",
            "body": {},
            "headers": {HEADER: self._cluster},
            "context": {},
        }
        return str(
            signer.generate_presigned_url(
                request, region_name=sts.region_name, expires_in=EXPIRES_SECONDS, operation_name=""
            )
        )
