"""The stand-in for the public walkthroughs' applications, asked as they are."""

from collections.abc import Mapping

from aiohttp.test_utils import TestClient, TestServer

from apps.demo.colours import application


async def color(environment: Mapping[str, str]) -> TestClient:
    client = TestClient(TestServer(application(environment)))
    await client.start_server()
    return client


async def front(behind: TestClient) -> TestClient:
    return await color({"COLOR_HOST": f"127.0.0.1:{behind.server.port}"})


async def said(client: TestClient, path: str, **headers: str) -> tuple[int, str]:
    async with client.get(path, headers=headers) as answer:
        return answer.status, (await answer.text()).strip()


async def test_a_front_answers_what_its_color_says() -> None:
    """Whatever the path; both are healthy."""
    blue = await color({"COLOR": "blue"})
    asked = await front(blue)

    assert [(200, "blue")] * 2 == [await said(asked, path) for path in ("/", "/color/get")]
    assert [(200, "")] * 2 == [await said(each, "/ping") for each in (asked, blue)]
    await asked.close()
    await blue.close()


async def test_a_fault_is_seen_and_counted_until_it_is_mended() -> None:
    """The statistics have who answered what."""
    purple = await color({})
    asked = await front(purple)
    statuses = []
    for path in ("/color/fault", "/color/get", "/color/recover", "/color/get"):
        statuses.append((await said(asked, path))[0])

    async with asked.get("/stats") as answer:
        [host] = await answer.json()
    assert [200, 500, 200, 200] == statuses
    assert {"StatusOk": 3, "StatusError": 1, "Total": 4} == host["Counter"]
    await asked.close()
    await purple.close()


async def test_a_color_that_always_fails_is_no_front_of_its_own() -> None:
    """Its status goes through the front."""
    broken = await color({"COLOR": "red", "FAIL_RATE": "1"})
    asked = await front(broken)

    assert (503, "red") == await said(asked, "/")
    await asked.close()
    await broken.close()
