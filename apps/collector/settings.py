"""What the collector is told by its environment (README.md has the table)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
LONGEST_WINDOW = 300


class BadSetting(Exception):
    """One line for the person who set it."""


@dataclass(frozen=True)
class Settings:
    window: int  # seconds
    scrape: int  # seconds
    proxy_port: int
    health_port: int
    api: str
    account: Path  # the folder with `token` and `ca.crt`


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Raises BadSetting naming the first variable that is not allowed."""
    window = _number(environment, "WINDOW_SECONDS", 60, 1, LONGEST_WINDOW)
    if window > 60 and window % 60:
        raise BadSetting(f"WINDOW_SECONDS: {window} is not allowed; allowed: up to 60, or whole minutes")
    scrape = _number(environment, "SCRAPE_SECONDS", min(5, window), 1, window)
    if window % scrape:
        raise BadSetting(f"SCRAPE_SECONDS: {scrape} is not allowed; allowed: what divides WINDOW_SECONDS, {window}")
    return Settings(
        window,
        scrape,
        _number(environment, "PROXY_PORT", 15090, 1, 65535),
        _number(environment, "HEALTH_PORT", 8080, 1, 65535),
        environment.get("KUBERNETES_API") or _api(environment),
        Path(environment.get("SERVICE_ACCOUNT", SERVICE_ACCOUNT)),
    )


def _number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise BadSetting(f"{name}: {text!r} is not allowed; allowed: a whole number, {least} to {most}")
    return int(text)


def _api(environment: Mapping[str, str]) -> str:
    host, port = (environment.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
    if not host or not port:
        raise BadSetting("KUBERNETES_API: '' is not allowed outside a pod; allowed: the API server's URL")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
