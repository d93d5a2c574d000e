"""Who is who: the lab's own tokens, and EKS tokens that STS vouches for."""

from __future__ import annotations

import base64

import pytest

from lab.cluster.auth import CACHE_SECONDS, EKS_PREFIX, Authenticator, StsError, Tokens
from lab.cluster.errors import ApiError

ARN = "arn:aws:sts::000000000000:assumed-role/canario-stage-mesh/canario"
ANSWER = f"<GetCallerIdentityResponse><Arn>{ARN}</Arn></GetCallerIdentityResponse>"
QUERY = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=abc"


class Sts:
    """Vouches for whoever asks, and remembers what it was asked."""

    def __init__(self, answer: str | None = ANSWER) -> None:
        self.asked: list[str] = []
        self.answer = answer

    async def __call__(self, query: str) -> str:
        self.asked.append(query)
        if self.answer is None:
            raise StsError("STS answered 403")
        return self.answer


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _token(query: str = QUERY) -> str:
    url = f"https://sts.elsewhere.test/?{query}"
    return EKS_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


async def _refused(authenticator: Authenticator, authorization: str) -> int:
    with pytest.raises(ApiError) as failed:
        await authenticator.authenticate(authorization)
    return failed.value.code


async def test_the_admin_is_the_admin() -> None:
    """By the token of the kubeconfig."""
    tokens = Tokens()
    user = await Authenticator(tokens).authenticate(f"Bearer {tokens.admin}")

    assert ("kubernetes-admin", True) == (user.name, "system:masters" in user.groups)


async def test_pods_speak_as_their_service_account() -> None:
    """One token an account, the same one every time."""
    tokens = Tokens()
    token = tokens.issue_token("shop", "default")
    user = await Authenticator(tokens).authenticate(f"Bearer {token}")

    assert token == tokens.issue_token("shop", "default") != tokens.issue_token("shop", "other")
    assert "system:serviceaccount:shop:default" == user.name


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer stranger", "Basic YTpi", "Bearer k8s-aws-v1.!"])
async def test_strangers_are_refused(authorization: str) -> None:
    """No token, a foreign one, another scheme, a broken EKS token: 401."""
    assert 401 == await _refused(Authenticator(Tokens(), Sts()), authorization)


async def test_an_eks_token_is_who_sts_says() -> None:
    """The ARN in STS's answer; only the query of the presigned URL is used, never its host."""
    sts = Sts()
    user = await Authenticator(Tokens(), sts).authenticate(f"Bearer {_token()}")

    assert (ARN, [QUERY]) == (user.name, sts.asked)


@pytest.mark.parametrize(
    "query",
    [
        QUERY.replace("%3Bx-k8s-aws-id", ""),
        QUERY.replace("GetCallerIdentity", "AssumeRole"),
        QUERY + "&Action=AssumeRole",
        "",
    ],
)
async def test_only_a_signed_identity_call_for_a_cluster_counts(query: str) -> None:
    """Anything else is refused without asking STS."""
    sts = Sts()

    assert (401, []) == (await _refused(Authenticator(Tokens(), sts), f"Bearer {_token(query)}"), sts.asked)


@pytest.mark.parametrize("answer", [None, "<Error/>"])
async def test_who_sts_does_not_know_is_refused(answer: str | None) -> None:
    """STS refuses, or names nobody."""
    assert 401 == await _refused(Authenticator(Tokens(), Sts(answer)), f"Bearer {_token()}")


async def test_sts_is_asked_again_after_a_minute() -> None:
    """Within it the answer is remembered."""
    sts, clock = Sts(), Clock()
    authenticator = Authenticator(Tokens(), sts, clock)
    asked = []
    for clock.now in (0, CACHE_SECONDS - 1, CACHE_SECONDS + 1):
        await authenticator.authenticate(f"Bearer {_token()}")
        asked.append(len(sts.asked))

    assert [1, 1, 2] == asked
