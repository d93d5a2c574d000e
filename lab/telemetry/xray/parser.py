"""X-Ray's filter expressions: text → a tree (`expression.py`). Pure.

    or        = and { ("OR" | "||") and }
    and       = not { ("AND" | "&&") not }
    not       = ("NOT" | "!") not | "(" or ")" | condition
    condition = "service" "(" [name] ")" [block] | "edge" "(" name "," name ")" [block] | keyword [operator value]
    name      = string | "id" "(" field ":" string { "," field ":" string } ")"
    block     = "{" or "}"

Source: "Using filter expressions" in the X-Ray developer guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.telemetry.xray.expression import (
    ANNOTATION,
    BOOLEANS,
    EQUALITY,
    KEYWORDS,
    NUMBERS,
    ORDER,
    STRINGS,
    TEXT,
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
    Value,
)

DEEPEST = 50
LONGEST = 2000  # characters

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<word>[A-Za-z_][\w.\-:]*(?<![.\-:])(?:\[[^\]]*\])?)
      | (?P<sign>!=|<=|>=|&&|\|\||[=<>!(){},:])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Expression:
    """Raises BadExpressionError."""
    if len(text) > LONGEST:
        raise BadExpressionError(f"a filter expression has at most {LONGEST} characters")
    reader = _Reader(_tokens(text))
    found = reader.any_of(0)
    if not reader.is_at_end:
        raise reader.unexpected("AND, OR, or the end")
    return found


def _tokens(text: str) -> list[Token]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadExpressionError(f"at {at}: {text[at:].strip()[:20]!r} is not understood")
        kind = str(match.lastgroup)
        tokens.append(Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return tokens


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._next = tokens, 0

    @property
    def is_at_end(self) -> bool:
        return self._next == len(self._tokens)

    def unexpected(self, wanted: str) -> BadExpressionError:
        if self.is_at_end:
            return BadExpressionError(f"at the end: expected {wanted}")
        token = self._tokens[self._next]
        return BadExpressionError(f"at {token.at}: expected {wanted}, found {token.text!r}")

    def any_of(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise BadExpressionError(f"nested more than {DEEPEST} deep")
        parts = [self._all_of(depth)]
        while self._take("OR", "||"):
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all_of(self, depth: int) -> Expression:
        parts = [self._not(depth)]
        while self._take("AND", "&&"):
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _not(self, depth: int) -> Expression:
        if depth > DEEPEST:
            raise BadExpressionError(f"nested more than {DEEPEST} deep")
        if self._take("NOT", "!"):
            return Not(self._not(depth + 1))
        if self._take("("):
            found = self.any_of(depth + 1)
            self._expect(")")
            return found
        return self._condition(depth)

    def _condition(self, depth: int) -> Expression:
        word = self._of("word", "a keyword")
        if word == "service":
            self._expect("(")
            named = Name() if self._peek(")") else self._name()
            self._expect(")")
            return ServiceIs(named, self._block(depth))
        if word == "edge":
            self._expect("(")
            caller = self._name()
            self._expect(",")
            callee = self._name()
            self._expect(")")
            return EdgeIs(caller, callee, self._block(depth))
        return self._comparison(_keyword(word))

    def _name(self) -> Name:
        if not self._take("id"):
            return Name(_unquoted(self._of("string", "a service's name in double quotes")))
        self._expect("(")
        fields: dict[str, str] = {}
        while not fields or self._take(","):
            field = self._of("word", "name, type or account.id")
            if field not in ("name", "type", "account.id"):
                raise BadExpressionError(f"id({field}: …) is not allowed; allowed: name, type, account.id")
            self._expect(":")
            fields[field.partition(".")[0]] = _unquoted(self._of("string", "a text in double quotes"))
        self._expect(")")
        return Name(**fields)

    def _block(self, depth: int) -> Expression | None:
        if not self._take("{"):
            return None
        found = self.any_of(depth + 1)
        self._expect("}")
        return found

    def _comparison(self, keyword: str) -> Expression:
        token = self._tokens[self._next] if not self.is_at_end else None
        operators = {str(each): each for each in Operator}
        if token is None or token.text.upper() not in operators:
            return Is(keyword)
        self._next += 1
        operator, value = operators[token.text.upper()], self._value()
        allowed = _operators(keyword, value)
        if operator not in allowed:
            raise BadExpressionError(f"{keyword} {operator} {value!r} is not allowed; allowed: {', '.join(allowed)}")
        return Compare(keyword, operator, value)

    def _value(self) -> Value:
        if self.is_at_end:
            raise self.unexpected("a value")
        token = self._tokens[self._next]
        if token.kind == "number":
            value: Value = float(token.text)
        elif token.kind == "string":
            value = _unquoted(token.text)
        elif token.text.lower() in ("true", "false"):
            value = token.text.lower() == "true"
        else:
            raise self.unexpected('a number, a "text", true or false')
        self._next += 1
        return value

    def _peek(self, *texts: str) -> bool:
        if self.is_at_end:
            return False
        token = self._tokens[self._next]
        text = token.text.upper() if token.kind == "word" and token.text.upper() in ("AND", "OR", "NOT") else token.text
        return token.kind in ("word", "sign") and text in texts

    def _take(self, *texts: str) -> bool:
        if found := self._peek(*texts):
            self._next += 1
        return found

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self.unexpected(repr(text))

    def _of(self, kind: str, wanted: str) -> str:
        if self.is_at_end or self._tokens[self._next].kind != kind:
            raise self.unexpected(wanted)
        self._next += 1
        return self._tokens[self._next - 1].text


def _keyword(word: str) -> str:
    """`annotation[key]` is `annotation.key`."""
    if word.startswith("annotation["):
        word = f"{ANNOTATION}{word.removeprefix('annotation[').removesuffix(']')}"
    if word in (*BOOLEANS, *NUMBERS, *STRINGS) or (word.startswith(ANNOTATION) and word != ANNOTATION):
        return word
    raise BadExpressionError(f"keyword {word!r} is not allowed; allowed: {', '.join(KEYWORDS)}")


def _operators(keyword: str, value: Value) -> tuple[Operator, ...]:
    if keyword in BOOLEANS:
        return EQUALITY if isinstance(value, bool) else ()
    if keyword in NUMBERS:
        return (*EQUALITY, *ORDER) if isinstance(value, float) else ()
    if keyword in STRINGS:
        return (*EQUALITY, *TEXT) if isinstance(value, str) else ()
    if isinstance(value, bool):
        return EQUALITY
    return (*EQUALITY, *TEXT) if isinstance(value, str) else (*EQUALITY, *ORDER)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
