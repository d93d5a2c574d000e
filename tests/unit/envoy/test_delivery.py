"""What an Envoy's questions are answered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.envoy.delivery import CLUSTERS, LISTENERS, LONGEST_RETRY_SECONDS, ROUTES, SECRETS, Delivery, Name, Offer

C, L, R = Name(CLUSTERS), Name(LISTENERS), Name(ROUTES, "outbound")
ALL = (C, L, R, Name(SECRETS, "trust"))


def offered(delivery: Delivery, version: str, *names: Name) -> None:
    delivery.put({name: Offer(version, f"{name} {version}") for name in names or ALL})


def told(delivery: Delivery, name: Name, has: str, now: float = 0) -> str | None:
    found = delivery.answer(name, has, now)
    return found and found.version


def test_an_envoy_that_has_the_version_waits() -> None:
    """A question that names the version on offer is answered when there is another, and only then."""
    delivery = Delivery()
    offered(delivery, "1")
    first = told(delivery, C, "")
    second = told(delivery, C, "1")
    offered(delivery, "2")

    assert ("1", None, "2") == (first, second, told(delivery, C, "1"))


def test_routes_and_listeners_wait_for_their_clusters() -> None:
    """Routes and listeners of a new version are sent once Envoy has the clusters; secrets need not wait."""
    delivery = Delivery()
    offered(delivery, "1")
    early = [told(delivery, name, "") for name in ALL]
    told(delivery, C, "1")

    assert ["1", None, None, "1"] == early
    assert ["1", "1"] == [told(delivery, name, "") for name in (L, R)]


def test_clusters_that_did_not_change_hold_nothing_back() -> None:
    """New routes for the clusters that Envoy has already go out at once."""
    delivery = Delivery()
    offered(delivery, "1")
    for has in ("", "1"):
        told(delivery, C, has)
    delivery.put({C: Offer("1", ""), R: Offer("2", "")})

    assert "2" == told(delivery, R, "1")


def test_a_refusal_is_known_and_not_repeated_at_once() -> None:
    """Who asks again with the version from before refused the answer: it is told again a second later, then two."""
    delivery = Delivery()
    offered(delivery, "1", L)
    told(delivery, L, "")
    told(delivery, L, "1")
    offered(delivery, "2", L)
    sent = {now for now in range(9) if told(delivery, L, "1", now) == "2"}

    assert {0, 1, 3, 7} == sent
    assert {L: "2"} == delivery.refused


def test_refused_clusters_hold_nothing_back() -> None:
    """Routes are sent although the clusters of their version were refused: most of them are known from before."""
    delivery = Delivery()
    offered(delivery, "1", C, R)
    before = told(delivery, C, ""), told(delivery, R, ""), delivery.waits_for_clusters
    told(delivery, C, "")

    assert ("1", None, True) == before
    assert ("1", False) == (told(delivery, R, ""), delivery.waits_for_clusters)


def test_a_new_version_ends_a_refusal() -> None:
    """Another version is sent at once, and nothing counts as refused; nor does what was taken after all."""
    delivery = Delivery()
    offered(delivery, "1", L)
    for now in (0, 0.1):
        told(delivery, L, "", now)
    offered(delivery, "2", L)

    assert {} == delivery.refused
    assert "2" == told(delivery, L, "", 0.2)
    assert (None, {L: "2"}) == (told(delivery, L, "", 0.3), delivery.refused)
    told(delivery, L, "2", 0.4)
    assert {} == delivery.refused


def test_what_is_not_there_is_waited_for() -> None:
    """A question for a secret that no file has yet is not answered."""
    delivery = Delivery()
    offered(delivery, "1", C)

    assert told(delivery, Name(SECRETS, "trust"), "") is None


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.sampled_from("abc")),
            st.tuples(st.just("ask"), st.sampled_from(ALL), st.booleans(), st.booleans()),
        ),
        max_size=40,
    )
)
def test_an_envoy_that_goes_on_asking_has_everything(steps: list[tuple]) -> None:
    """Whatever was offered, taken, refused and lost before: who takes everything ends with what is offered last."""
    delivery, has, now = Delivery(), dict.fromkeys(ALL, ""), 0.0
    offered(delivery, "a")
    last = "a"
    for kind, what, *rest in steps:
        now += 0.01
        if kind == "put":
            offered(delivery, what)
            last = what
        else:
            takes, _ = rest
            offer = delivery.answer(what, has[what], now)
            if offer and takes:
                has[what] = offer.version
    for _ in range(4):
        now += LONGEST_RETRY_SECONDS
        for name in ALL:
            offer = delivery.answer(name, has[name], now)
            has[name] = offer.version if offer else has[name]
            delivery.answer(name, has[name], now)

    assert dict.fromkeys(ALL, last) == has
    assert {} == delivery.refused
