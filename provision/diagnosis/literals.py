"""Which plain text a match of a regular expression must contain: a quick look before the slow one.

It understands the subset that the knowledge base uses, and answers () where it cannot be sure.
"""

import re

SHORTEST = 2
TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[0-9,]*\}|\(\?(?::|<?[=!])|.", re.DOTALL)
SPECIAL = frozenset(".^$*+?()|")
QUANTIFIERS = ("?", "*", "+", "{")

Literals = tuple[str, ...]
"""Alternatives, in lower case, of which one must be there; () = none known."""


def required_literals(regex: str) -> Literals:
    """Texts in lower case of which every match contains at least one; () = none known."""
    return _alternatives(TOKEN.findall(regex)[::-1])


def _alternatives(rest: list[str]) -> Literals:
    """What the branches up to the closing bracket need; takes them, and the bracket, off the end of `rest`."""
    branches = [_branch(rest)]
    while rest and rest[-1] == "|":
        rest.pop()
        branches.append(_branch(rest))
    if rest:
        rest.pop()  # the closing bracket
    return () if () in branches else tuple(text for branch in branches for text in branch)


def _branch(rest: list[str]) -> Literals:
    """The best that a branch needs: the alternatives whose shortest is longest."""
    needs: list[Literals] = []
    run = ""
    while rest and rest[-1] not in ("|", ")"):
        piece = rest.pop()
        inner = _alternatives(rest) if piece.startswith("(") else None
        if inner and piece not in ("(", "(?:"):
            inner = ()  # what is looked for behind or ahead is no part of the match
        optional, repeated = _take_quantifier(rest)
        character = None if inner is not None else _plain(piece)
        if character is not None and not optional:
            run += character
        if character is None or optional or repeated:
            needs.append((run,))
            run = ""
        if inner and not optional:
            needs.append(inner)
    best = max([*needs, (run,)], key=_strength)
    return tuple(text.lower() for text in best) if _strength(best) >= SHORTEST else ()


def _take_quantifier(rest: list[str]) -> tuple[bool, bool]:
    """(what stood before may be left out, it may come more than once), and the quantifier off the end of `rest`."""
    if not rest or not rest[-1].startswith(QUANTIFIERS):
        return False, False
    quantifier = rest.pop()
    if rest and rest[-1] == "?":  # the lazy form
        rest.pop()
    return quantifier in ("?", "*") or quantifier.startswith(("{0", "{,")), True


def _strength(literals: Literals) -> int:
    return min(map(len, literals), default=0)


def _plain(piece: str) -> str | None:
    """The character that a piece stands for, None where it stands for something else."""
    if len(piece) == 1:
        return None if piece in SPECIAL else piece
    if len(piece) == 2 and piece[0] == "\\" and not piece[1].isalnum():
        return piece[1]
    return None
