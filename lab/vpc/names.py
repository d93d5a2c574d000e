"""What a name leads to: Route 53's answer, followed to its end. Pure."""

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass

Records = Mapping[str, tuple[str, ...]]  # name → a CNAME's or alias's one host name, or an A record's addresses


@dataclass(frozen=True)
class Answer:
    """Where a name leads: `hosts` (host names that the VPC knows, or IPv4 addresses), by way of `chain`.

    `problem` says in words why it leads nowhere; `hosts` is then empty.
    """

    hosts: tuple[str, ...]
    chain: tuple[str, ...]
    problem: str = ""


def normal(name: str) -> str:
    """A name as the VPC compares it: lower case, without the root's dot."""
    return name.rstrip(".").lower()


def resolve(name: str, records: Records, known: Collection[str]) -> Answer:
    """Follow `name` through `records` (normal names) until a host in `known`, or addresses, are reached."""
    chain = [name]
    while True:
        here = chain[-1]
        targets = records.get(here)
        if targets is None:
            if here in known:
                return Answer((here,), tuple(chain))
            return _nowhere(chain, f"there is no host {here}")
        if all(is_address(target) for target in targets):
            return Answer(targets, (*chain, *targets))
        if targets[0] in chain:
            return _nowhere([*chain, targets[0]], "the records go in a circle")
        chain.append(targets[0])


def is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _nowhere(chain: list[str], why: str) -> Answer:
    return Answer((), tuple(chain), f"{' -> '.join(chain)}: {why}")
