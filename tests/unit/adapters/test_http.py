"""What `HttpClient` makes of answers and of their absence."""

from collections.abc import Callable

import httpx2
import pytest

from canario.adapters.http import HttpClient
from canario.errors import RemoteError
from canario.workshop.ports import Answer

URL = "http://nodejs.appmeshworkshop.hosted.local:3000/"


def client(handler: Callable[[httpx2.Request], httpx2.Response]) -> HttpClient:
    return HttpClient(httpx2.MockTransport(handler))


def test_an_answer_has_status_headers_and_body():
    """Header names come in lower case whatever the server wrote."""
    got = client(lambda _: httpx2.Response(200, headers={"X-Canario-Version": "nodejs/v2"}, content=b"Canary")).get(URL)
    expected = Answer(200, {"x-canario-version": "nodejs/v2", "content-length": "6"}, "Canary")

    assert expected == got


@pytest.mark.parametrize("code", [302, 404, 503])
def test_every_status_is_an_answer(code: int):
    """Redirects are not followed and failures are not raised: a check wants to see them."""
    assert code == client(lambda _: httpx2.Response(code, headers={"Location": "/"})).get(URL).status


def test_a_refused_connection_is_a_remote_error():
    """The error names the URL and the reason."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("Connection refused", request=request)

    with pytest.raises(RemoteError, match=f"GET {URL}: Connection refused"):
        client(refuse).get(URL)


def test_a_timeout_says_how_long_it_waited():
    """The error has the time that was allowed, which the caller gave."""

    def hang(request: httpx2.Request) -> httpx2.Response:
        assert {2.5} == set(request.extensions["timeout"].values())
        raise httpx2.ReadTimeout("", request=request)

    with pytest.raises(RemoteError, match=f"GET {URL}: no answer within 2.5 s"):
        client(hang).get(URL, timeout_seconds=2.5)


@pytest.mark.parametrize("url", ["nodejs:3000/", "http://[", ""])
def test_what_is_no_url_is_a_remote_error(url: str):
    """A malformed URL fails as one line, too."""
    with pytest.raises(RemoteError, match="GET "):
        HttpClient().get(url)
