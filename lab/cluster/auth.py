"""Who asks: the admin's token, a service account's, or an EKS token that STS vouches for.

Authorisation is left out: whoever is known may do everything, and `SelfSubjectAccessReview` says so.
EKS tokens: `k8s-aws-v1.` and the unpadded base64url of a presigned STS GetCallerIdentity URL whose signed
headers include `x-k8s-aws-id`. Source: kubernetes-sigs/aws-iam-authenticator, README, "API Authorization".
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import aiohttp

from lab.cluster.errors import unauthorized
from lab.cluster.options import User

EKS_PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
CACHE_SECONDS = 60.0
_ARN = re.compile(r"arn:aws[a-z-]*:(?:sts|iam)::\d{12}:[^\s<\"]+")
_STS_SECONDS = 5.0

AskSts = Callable[[str], Awaitable[str]]  # the query of a presigned URL → the body of STS's answer


class StsError(Exception):
    """STS could not be asked, or does not vouch for the token."""


@dataclass
class Tokens:
    """The tokens that the lab gives out itself: random, and valid as long as the lab runs."""

    admin: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _accounts: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def issue_token(self, namespace: str, service_account: str) -> str:
        """The token of a service account, the same one every time."""
        return self._accounts.setdefault((namespace, service_account), secrets.token_urlsafe(32))

    def user(self, token: str) -> User | None:
        """Whose token this is; None for a stranger's."""
        if hmac.compare_digest(token.encode(), self.admin.encode()):
            return User("kubernetes-admin", ("system:masters", "system:authenticated"))
        for (namespace, name), known in self._accounts.items():
            if hmac.compare_digest(token.encode(), known.encode()):
                groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
                return User(f"system:serviceaccount:{namespace}:{name}", groups)
        return None


@dataclass
class Authenticator:
    """Bearer tokens → users. Without `ask_sts`, EKS tokens are strangers'."""

    tokens: Tokens
    ask_sts: AskSts | None = None
    clock: Callable[[], float] = time.monotonic
    _vouched: dict[str, tuple[float, User]] = field(default_factory=dict, repr=False)

    async def authenticate(self, authorization: str) -> User:
        """The user behind an `Authorization` header; 401 when it says nothing that counts."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized()
        if token.startswith(EKS_PREFIX):
            return await self._eks_user(token)
        if user := self.tokens.user(token):
            return user
        raise unauthorized()

    async def _eks_user(self, token: str) -> User:
        known = self._vouched.get(token)
        if known and self.clock() - known[0] < CACHE_SECONDS:
            return known[1]
        self._vouched.pop(token, None)
        query = presigned_query(token)
        if self.ask_sts is None:
            raise unauthorized()
        try:
            found = _ARN.search(await self.ask_sts(query))
        except StsError:
            raise unauthorized() from None
        if not found:
            raise unauthorized()
        user = User(found[0])
        self._vouched[token] = (self.clock(), user)
        return user


def presigned_query(token: str) -> str:
    """The query of the URL in an EKS token; 401 unless it presigns GetCallerIdentity for a cluster."""
    encoded = token.removeprefix(EKS_PREFIX)
    try:
        url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        raise unauthorized() from None
    query = {key.lower(): values for key, values in parse_qs(urlsplit(url).query).items()}
    signed = query.get("x-amz-signedheaders", [""])[0].lower().split(";")
    if query.get("action") != ["GetCallerIdentity"] or CLUSTER_HEADER not in signed:
        raise unauthorized()
    return urlsplit(url).query


def sts_at(endpoint: str, cluster: str) -> AskSts:
    """Ask the STS at `endpoint`, and only there, whatever host a token names."""

    async def ask(query: str) -> str:
        timeout = aiohttp.ClientTimeout(total=_STS_SECONDS)
        url = f"{endpoint.rstrip('/')}/?{query}"
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, headers={CLUSTER_HEADER: cluster}, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise StsError(f"STS answered {answer.status}")
                return await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StsError(f"STS at {endpoint}: {error}") from error

    return ask
