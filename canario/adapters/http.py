"""HTTP as a client in the VPC would speak it; `http_proxy` and `no_proxy` say where the VPC begins."""

import httpx2

from canario.errors import RemoteError
from canario.workshop.ports import Answer


class HttpClient:
    """Every GET opens a connection of its own: a check asks who answers now, not who answered last time."""

    def __init__(self, transport: httpx2.BaseTransport | None = None) -> None:
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._client = httpx2.Client(limits=limits, transport=transport)

    def get(self, url: str, timeout_seconds: float = 5.0) -> Answer:
        """Redirects are answers, not followed. Raises RemoteError when there is no answer."""
        try:
            response = self._client.get(url, timeout=timeout_seconds)
        except httpx2.TimeoutException as error:
            raise RemoteError(f"GET {url}: no answer within {timeout_seconds:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise RemoteError(f"GET {url}: {error or type(error).__name__}") from error
        return answer(response)


def answer(response: httpx2.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.text)
