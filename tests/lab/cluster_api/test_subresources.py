"""Logs and the proxy of pods, and old watches, over HTTPS; what is not there says so."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from lab.cluster.errors import ApiError
from tests.lab.cluster_api.support import Running

PODS = "/api/v1/namespaces/default/pods"
JSON = {"Content-Type": "application/merge-patch+json"}


class Logs:
    """A runtime whose containers have said what they were asked, in two chunks."""

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool,
        previous: bool,
        tail: int | None,
        since_seconds: int | None,
        timestamps: bool,
    ) -> AsyncIterator[bytes]:
        if previous:
            raise ApiError(400, "BadRequest", f'previous terminated container "{container}" not found')
        yield f"{namespace}/{pod}/{container}\n".encode()
        yield f"{follow} {tail} {since_seconds} {timestamps}\n".encode()


class Echo(BaseHTTPRequestHandler):
    """Answers 418 with what it was asked."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = f"{self.command} {self.path} {self.headers['X-Probe']} {self.headers.get('Authorization')} ".encode()
        self.send_response(418)
        self.send_header("X-Answer", "yes")
        self.end_headers()
        self.wfile.write(text + body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx2.Client]:
    running.server.serve_logs_of(Logs())
    trusted = ssl.create_default_context(cafile=str(running.server.address.ca_file))
    headers = {"Authorization": f"Bearer {running.token}"}
    with httpx2.Client(base_url=running.url, headers=headers, verify=trusted, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    """The port of a server at 127.0.0.1."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _pod(client: httpx2.Client, name: str, *containers: str, ip: str = "") -> None:
    spec = {"containers": [{"name": c, "image": "x", "ports": [{"containerPort": 3000}]} for c in containers]}
    client.post(PODS, json={"metadata": {"name": name}, "spec": spec}).raise_for_status()
    if ip:
        patch = {"status": {"podIP": ip}}
        client.patch(f"{PODS}/{name}/status", json=patch, headers=JSON).raise_for_status()


def test_logs_come_from_the_runtime(client: httpx2.Client) -> None:
    """As plain text, with everything that was asked for."""
    _pod(client, "one", "web")
    asked = {"tailLines": "3", "sinceSeconds": "60", "timestamps": "true"}
    answer = client.get(f"{PODS}/one/log", params=asked)

    assert (200, "text/plain") == (answer.status_code, answer.headers["Content-Type"])
    assert "default/one/web\nFalse 3 60 True\n" == answer.text


def test_the_container_is_named_when_there_are_several(client: httpx2.Client) -> None:
    """Otherwise the error lists them."""
    _pod(client, "two", "web", "envoy")
    unnamed = client.get(f"{PODS}/two/log")
    named = client.get(f"{PODS}/two/log", params={"container": "envoy"})

    assert (400, True) == (unnamed.status_code, "choose one of: [web envoy]" in unnamed.json()["message"])
    assert named.text.startswith("default/two/envoy\n")


def test_what_the_runtime_refuses_is_a_status(client: httpx2.Client) -> None:
    """An ApiError before the first chunk reaches the client as such."""
    _pod(client, "three", "web")
    refused = client.get(f"{PODS}/three/log", params={"previous": "true"})

    assert (400, "BadRequest") == (refused.status_code, refused.json()["reason"])


@pytest.mark.parametrize("asked", [{"tailLines": "many"}, {"sinceTime": "yesterday"}])
def test_bad_log_options_are_named(client: httpx2.Client, asked: dict[str, str]) -> None:
    """With the field and the value."""
    name = f"bad-{next(iter(asked)).lower()}"
    _pod(client, name, "web")
    refused = client.get(f"{PODS}/{name}/log", params=asked)

    assert 400 == refused.status_code
    assert all(part in refused.json()["message"] for part in next(iter(asked.items())))


def test_the_proxy_passes_requests_on(client: httpx2.Client, echo: int) -> None:
    """Method, path, query, headers and body there; status, headers and body back; the API's token stays here."""
    _pod(client, "proxied", "web", ip="127.0.0.1")
    url = f"{PODS}/proxied:{echo}/proxy/config_dump"
    answer = client.post(url, params={"resource": "routes"}, content="hello", headers={"X-Probe": "1"})

    assert (418, "yes") == (answer.status_code, answer.headers["X-Answer"])
    assert "POST /config_dump?resource=routes 1 None hello" == answer.text


def test_a_pod_that_does_not_answer_is_unavailable(client: httpx2.Client) -> None:
    """503, whether it has no address yet or nobody listens there."""
    _pod(client, "silent", "web")
    before = client.get(f"{PODS}/silent/proxy/")
    client.patch(f"{PODS}/silent/status", json={"status": {"podIP": "127.0.0.1"}}, headers=JSON)
    after = client.get(f"{PODS}/silent:1/proxy/")

    assert [503, 503] == [before.status_code, after.status_code]


def test_what_is_missing_says_so(client: httpx2.Client) -> None:
    """501 with its name."""
    _pod(client, "no-attach", "web")
    answer = client.get(f"{PODS}/no-attach/attach")

    assert (501, True) == (answer.status_code, "pods/attach" in answer.json()["message"])


def test_impersonation_is_refused(client: httpx2.Client) -> None:
    """Rather than done as somebody else."""
    assert 501 == client.get(PODS, headers={"Impersonate-User": "me"}).status_code


def test_a_watch_from_before_the_history_ends_with_an_error(client: httpx2.Client, running: Running) -> None:
    """An ERROR event with 410, after which clients list again."""
    version = client.get(PODS).json()["metadata"]["resourceVersion"]
    _pod(client, "history", "web")
    running.server.store.journal.forget()
    with client.stream("GET", PODS, params={"watch": "true", "resourceVersion": version}) as response:
        events = [json.loads(line) for line in response.iter_lines()]

    assert [("ERROR", 410, "Expired")] == [(e["type"], e["object"]["code"], e["object"]["reason"]) for e in events]
