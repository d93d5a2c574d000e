"""Tokens for EKS: what they say, and when they are signed anew."""

import base64
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from canario.adapters.eks import PREFIX, EksToken
from canario.errors import RemoteError


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return boto3.Session("AKIDEXAMPLE", "secret", region_name="us-west-1")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def url_in(token: str) -> str:
    encoded = token.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def test_a_token_is_a_presigned_question_who_am_i(session: boto3.Session):
    """GetCallerIdentity at the region's STS for a minute, the cluster's name under the signature, no padding."""
    token = EksToken(session, "workshops")()
    url = urlsplit(url_in(token))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert ("https", "sts.us-west-1.amazonaws.com", "/") == (url.scheme, url.netloc, url.path)
    assert ("GetCallerIdentity", "2011-06-15", "60", "host;x-k8s-aws-id") == (
        query["Action"],
        query["Version"],
        query["X-Amz-Expires"],
        query["X-Amz-SignedHeaders"],
    )
    assert "=" not in token


def test_the_clusters_name_is_under_the_signature(session: boto3.Session):
    """A token for one cluster is no token for another, signed in the same second or not."""
    signatures = {parse_qs(urlsplit(url_in(EksToken(session, name)())).query)["X-Amz-Signature"][0] for name in "ab"}

    assert len(signatures) == 2


def test_an_endpoint_of_ones_own_is_used(session: boto3.Session, monkeypatch: pytest.MonkeyPatch):
    """`sts_endpoint` wins over `AWS_ENDPOINT_URL`, which wins over AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")

    assert url_in(EksToken(session, "c")()).startswith("http://127.0.0.1:4566/?Action=")
    assert url_in(EksToken(session, "c", sts_endpoint="http://sts.local/")()).startswith("http://sts.local/?Action=")


def test_a_token_is_used_for_ten_minutes(session: boto3.Session):
    """Within ten minutes the same token is given; after that a new one is signed."""
    clock = Clock()
    signed: list[str] = []

    class Counting(EksToken):
        def _sign(self) -> str:
            signed.append(super()._sign())
            return f"token {len(signed)}"

    token = Counting(session, "c", now=clock)
    given = [token()]
    clock.now += 599
    given.append(token())
    clock.now += 1
    given.append(token())

    assert ["token 1", "token 1", "token 2"] == given


def test_no_credentials_is_said_so(monkeypatch: pytest.MonkeyPatch):
    """Without credentials the error says for which cluster no token could be signed."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")

    with pytest.raises(RemoteError, match="signing a token for the cluster c: Unable to locate credentials"):
        EksToken(boto3.Session(region_name="us-west-1"), "c")()
