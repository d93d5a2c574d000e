"""Filter expressions, read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.telemetry.xray.expression import (
    And,
    BadExpressionError,
    Compare,
    EdgeIs,
    Expression,
    Is,
    Name,
    Not,
    Operator,
    Or,
    ServiceIs,
)
from lab.telemetry.xray.parser import parse

FAULT, ERROR, OK = Is("fault"), Is("error"), Is("ok")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fault", FAULT),
        ("fault = true", Compare("fault", Operator.EQUAL, True)),
        ("responsetime > 5", Compare("responsetime", Operator.MORE, 5.0)),
        ("duration<=0.25", Compare("duration", Operator.AT_MOST, 0.25)),
        ("http.status != 200", Compare("http.status", Operator.DIFFERENT, 200.0)),
        ('http.url BEGINSWITH "http://a/"', Compare("http.url", Operator.BEGINS_WITH, "http://a/")),
        ('http.url contains "x\\"y"', Compare("http.url", Operator.CONTAINS, 'x"y')),
        ('annotation.user_id = "a"', Compare("annotation.user_id", Operator.EQUAL, "a")),
        ("annotation[upstream_cluster.name]", Is("annotation.upstream_cluster.name")),
        ("annotation.age >= 7", Compare("annotation.age", Operator.AT_LEAST, 7.0)),
        ('service("a/b_c")', ServiceIs(Name("a/b_c"))),
        ("service()", ServiceIs(Name())),
        ('service("a") { fault }', ServiceIs(Name("a"), FAULT)),
        ('service(id(name: "a", type: "t"))', ServiceIs(Name("a", "t"))),
        ('edge("a", "b")', EdgeIs(Name("a"), Name("b"))),
        ('edge(id(account.id: "1"), "b") {ok}', EdgeIs(Name(account="1"), Name("b"), OK)),
        ("fault OR error AND ok", Or((FAULT, And((ERROR, OK))))),
        ("(fault || error) && ok", And((Or((FAULT, ERROR)), OK))),
        ("NOT fault AND ok", And((Not(FAULT), OK))),
        ("!(fault or error)", Not(Or((FAULT, ERROR)))),
        ("NOT NOT ok", Not(Not(OK))),
    ],
)
def test_read(text: str, expected: Expression) -> None:
    """NOT binds closer than AND, AND closer than OR; operators come in words and in signs."""
    assert expected == parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at the end: expected a keyword"),
        ("fault AND", "at the end: expected a keyword"),
        ("fault ok", "at 6: expected AND, OR, or the end, found 'ok'"),
        ("(fault", "at the end: expected ')'"),
        ("colour = 5", "keyword 'colour' is not allowed; allowed: ok, error"),
        ('http.status = "200"', "http.status = '200' is not allowed; allowed: "),
        ('responsetime CONTAINS "5"', "allowed: "),
        ("fault > true", "allowed: =, !="),
        ("duration >", "at the end: expected a value"),
        ("duration > fault", "expected a number"),
        ('edge("a")', "at 8: expected ',', found ')'"),
        ("service(a)", "in double quotes"),
        ('service(id(colour: "a"))', "allowed: name, type, account.id"),
        ("fault #", "'#' is not understood"),
        ('http.url = "open', "is not understood"),
        ("(" * 60 + "ok" + ")" * 60, "nested more than 50 deep"),
        ("NOT " * 60 + "ok", "nested more than 50 deep"),
        ("ok OR " * 400 + "ok", "at most 2000 characters"),
    ],
)
def test_refused(text: str, said: str) -> None:
    """What is no expression is refused with the place, and with what is allowed there."""
    with pytest.raises(BadExpressionError) as refused:
        parse(text)

    assert said in str(refused.value)


def answer(text: str) -> object:
    """The expression, or the reason why it is none."""
    try:
        return parse(text)
    except BadExpressionError as error:
        return str(error)


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever is typed, the answer is an expression or a reason."""
    assert answer(text)


words = ("ok", "fault", "AND", "OR", "NOT", "(", ")", "{", "}", "service", '"a"', ",", "edge", "=", "1")


@given(st.lists(st.sampled_from(words), max_size=30).map(" ".join))
def test_any_words(text: str) -> None:
    """The same for the language's own words in any order."""
    assert answer(text)
