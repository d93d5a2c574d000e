from hypothesis import given
from hypothesis import strategies as st

from lab.vpc.names import normal, resolve

ELB = "internal-1.elb.amazonaws.com"
NAMES = st.sampled_from(["a", "b", "c", "d", ELB, "10.0.0.1"])


def test_chain() -> None:
    """CNAMEs are followed to a host that is known."""
    records = {"a.local": ("b.local",), "b.local": (ELB,)}

    assert resolve("a.local", records, {ELB}).hosts == (ELB,)


def test_addresses() -> None:
    """An A record leads to all of its addresses, also at the end of a chain."""
    records = {"a.local": ("b.local",), "b.local": ("127.9.16.1", "127.9.16.2")}

    assert resolve("a.local", records, set()).hosts == ("127.9.16.1", "127.9.16.2")


def test_a_record_comes_before_a_known_host() -> None:
    """A zone's own record for a known name is what counts."""
    assert resolve(ELB, {ELB: ("127.9.1.2",)}, {ELB}).hosts == ("127.9.1.2",)


def test_dangling() -> None:
    """A chain that ends nowhere says how it went."""
    answer = resolve("a.local", {"a.local": ("gone",)}, {ELB})

    assert ((), "a.local -> gone: there is no host gone") == (answer.hosts, answer.problem)


def test_circle() -> None:
    """A circle is refused, and drawn."""
    answer = resolve("a", {"a": ("b",), "b": ("a",)}, set())

    assert answer.problem == "a -> b -> a: the records go in a circle"


@given(st.dictionaries(NAMES, NAMES.map(lambda name: (name,))), NAMES)
def test_always_ends(records: dict[str, tuple[str, ...]], name: str) -> None:
    """Whatever the records are, a name leads to hosts or to a problem, never to both and never on for ever."""
    answer = resolve(name, records, {ELB})

    assert bool(answer.hosts) != bool(answer.problem)
    assert answer.chain[0] == name


def test_normal() -> None:
    """Names are compared without case and without the root's dot."""
    assert normal("NodeJS.Local.") == "nodejs.local"
