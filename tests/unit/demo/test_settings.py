"""What the demo service makes of its environment."""

import pytest

from apps.demo.demo import Settings, SettingsError, settings, upstreams


def test_defaults() -> None:
    """Only SERVICE has to be there."""
    assert settings({"SERVICE": "nodejs"}) == Settings("nodejs")


def test_units() -> None:
    """Milliseconds become seconds, the upstreams pairs."""
    found = settings(
        {
            "SERVICE": "frontend",
            "HOSTNAME": "frontend-1",
            "SLOW_MS": "250",
            "ERROR_RATE": "0.5",
            "LEAK_KB": "2",
            "MEMORY_LIMIT_MB": "3",
            "UPSTREAMS": "nodejs=http://n:3000/, crystal=http://c:3000/",
        }
    )

    assert (2048, 3 * 1024**2) == (found.leak, found.memory_limit)
    assert ("frontend-1", 0.25, 0.5) == (found.node, found.slow, found.error_rate)
    assert (("nodejs", "http://n:3000/"), ("crystal", "http://c:3000/")) == found.upstreams


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("SERVICE", "ruby", "frontend, nodejs, crystal"),
        ("PORT", "65536", "0 to 65535"),
        ("ERROR_RATE", "1.5", "0 to 1"),
        ("ERROR_RATE", "nan", "0 to 1"),
        ("EMPTY_RATE", "-1", "0 to 1"),
        ("HANG_RATE", "2", "0 to 1"),
        ("SLOW_MS", "fast", "0 to 600000"),
        ("UPSTREAMS", "nodejs", "name=http://host:port/"),
        ("UPSTREAMS", "nodejs=https://n/", "name=http://host:port/"),
    ],
)
def test_refused(name: str, value: str, allowed: str) -> None:
    """What is not allowed is refused with the variable's name, its value and what is allowed."""
    with pytest.raises(SettingsError) as refused:
        settings({"SERVICE": "nodejs", name: value})

    assert str(refused.value).startswith(f"{name}: ")
    assert value.partition("=")[0] in str(refused.value)
    assert allowed in str(refused.value)


def test_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upstreams are called through http_proxy, but for those in no_proxy."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.2:3128")
    monkeypatch.setenv("no_proxy", "near")
    far, near = upstreams((("far", "http://far:3000/"), ("near", "http://near:3000/")))

    assert ("http://127.0.0.2:3128", None) == (far.proxy, near.proxy)
