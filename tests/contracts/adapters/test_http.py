"""The port `Http` on real sockets: what goes by the VPC's proxy and what does not."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from canario.adapters.http import HttpClient
from canario.errors import RemoteError

PROXY = "127.0.0.2"
DIRECT = "127.0.0.3"


class Echo(BaseHTTPRequestHandler):
    """Answers with the server's address and the request's target: an absolute URL when it is asked as a proxy."""

    def do_GET(self) -> None:
        body = f"{self.server.server_address[0]} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """A server at each address, by address its port; the environment sends clients to the first as their proxy."""
    running = {address: ThreadingHTTPServer((address, 0), Echo) for address in (PROXY, DIRECT)}
    threads = [Thread(target=server.serve_forever, args=(0.01,)) for server in running.values()]
    for thread in threads:
        thread.start()
    for name in ("HTTP_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://{PROXY}:{running[PROXY].server_port}")
    yield {address: server.server_port for address, server in running.items()}
    for server in running.values():
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()


def test_names_go_by_the_proxy(servers: dict[str, int]):
    """A name that only the VPC knows is asked of the proxy, which gets the whole URL."""
    url = "http://nodejs.appmeshworkshop.hosted.local:3000/eks/"

    assert f"{PROXY} {url}" == HttpClient().get(url).body


@pytest.mark.parametrize("no_proxy", [f"localhost,{DIRECT}", "127.0.0.3/32", "*"])
def test_an_address_in_no_proxy_is_asked_directly(
    servers: dict[str, int], no_proxy: str, monkeypatch: pytest.MonkeyPatch
):
    """An IP address in `no_proxy`, alone or as a range, does not go by the proxy."""
    monkeypatch.setenv("no_proxy", no_proxy)

    assert f"{DIRECT} /health" == HttpClient().get(f"http://{DIRECT}:{servers[DIRECT]}/health").body


def test_a_port_where_nobody_listens_is_a_remote_error(servers: dict[str, int], monkeypatch: pytest.MonkeyPatch):
    """A refused connection is one line with the URL."""
    monkeypatch.setenv("no_proxy", "127.0.0.4")
    url = f"http://127.0.0.4:{servers[DIRECT]}/"

    with pytest.raises(RemoteError, match=f"GET {url}: .*refused"):
        HttpClient().get(url)
