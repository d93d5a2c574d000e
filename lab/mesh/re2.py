"""Whether a regular expression is one that Envoy takes (RE2). Pure.

Python's syntax is nearly RE2's, plus what RE2 leaves out: everything that needs backtracking.
Source: https://github.com/google/re2/wiki/Syntax
"""

import re

_BEYOND = re.compile(
    r"""(?<!\\)(?:\\\\)*(?:
        (?P<lookaround>\(\?<?[=!])
      | (?P<backreference>\\[1-9]|\(\?P=)
      | (?P<conditional>\(\?\()
      | (?P<atomic>\(\?>)
      | (?P<possessive>[*+?}]\+)
    )""",
    re.VERBOSE,
)
_CLASS = re.compile(r"(?<!\\)\[\^?\]?(?:\\.|[^\]\\])*\]")  # in brackets these are plain characters
_ONLY_RE2 = re.compile(r"\\[pPQECz]|\[\[:")  # RE2's own, which Python does not have
_MOST_REPETITIONS = 1000


def trouble(regex: str) -> str | None:
    """Why RE2 refuses it; None when it does not."""
    if found := _BEYOND.search(_CLASS.sub("x", regex)):
        return f"RE2 has no {found.lastgroup}s"
    if any(int(number) > _MOST_REPETITIONS for number in re.findall(r"\{(?:\d*,)?(\d+),?\}", regex)):
        return f"RE2 repeats at most {_MOST_REPETITIONS} times"
    if _ONLY_RE2.search(regex):
        return None
    try:
        re.compile(regex)
    except re.error as error:
        return str(error)
    return None
