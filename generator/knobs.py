"""What there is to know about a setting, beside the field that it is: limits, choices, its place in the help.

A field says it in its annotation, `steps: Annotated[int, Knob(low=1, high=1_000_000)] = 60`, and its meaning in the
string under it. Whatever needs a table of settings asks here for one.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from dreamrig.errors import UsageError

KIND_WORDS: Mapping[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One setting, all of it but name, kind, default and meaning."""

    low: float | None = None
    """The lowest value allowed; None = no number, or any."""
    high: float | None = None
    choices: tuple[str, ...] = ()
    """The only texts allowed; empty = any."""
    pattern: str = ""
    """What a text may look like that is none of the choices: a regular expression."""
    multiple: int = 1
    """Of which a number of pixels has to be one."""
    group: str = ""
    """Its heading in the help; "" = among the first, which most people want."""
    metavar: str = ""
    """What stands for the value in the help; "" = the choices, else the kind."""
    counts: bool = True
    """Whether it is part of the workload: it changes the work or the picture, not where and how often one looks."""
    loads: bool = False
    """Whether it decides which networks are loaded, and where."""
    is_later: bool = False
    """Whether it came after the first recipes: then it stands in a document, and in the workload id, only where it is
    not at its default, so that whatever was written before it still says the same."""

    @property
    def shown_as(self) -> str | None:
        """What stands for the value in the help; None = as the kind has it."""
        return self.metavar or "|".join(self.choices) or None

    def check(self, name: str, value: Any) -> None:
        """UsageError, by name and with a hint, for a value of the right kind that cannot be."""
        if self.choices and value not in self.choices and not (self.pattern and re.fullmatch(self.pattern, value)):
            raise UsageError(f"{name} is {value!r}.", hint=f"use one of: {', '.join(self.choices)}")
        if self.low is None or self.high is None:
            return
        if not self.low <= value <= self.high:  # also refuses NaN
            span = f"{name} must be from {self.low:g} to {self.high:g}"
            pixels = f"use {self.low:g} to {self.high:g} pixels, e.g. 128"
            raise UsageError(f"{name} is {value}.", hint=span if self.multiple == 1 else pixels)
        if value % self.multiple and self.multiple > 1:
            near = max(self.low, round(value / self.multiple) * self.multiple)
            raise UsageError(f"{name} {value} is not a multiple of {self.multiple}.", hint=f"the nearest is {near}")


@cache
def kinds_of(cls: type) -> Mapping[str, type]:
    """Field -> bool, int, float or str, in order."""
    return get_type_hints(cls)


@cache
def knobs_of(cls: type) -> Mapping[str, Knob]:
    """Field -> its knob, in order; a field that says nothing has a knob without limits."""
    hints = get_type_hints(cls, include_extras=True)
    found = ((name, getattr(hint, "__metadata__", ())) for name, hint in hints.items())
    return {name: next((one for one in metadata if isinstance(one, Knob)), Knob()) for name, metadata in found}


@cache
def later_defaults_of(cls: type) -> Mapping[str, object]:
    """Field -> default, of those that came after the first recipes."""
    return {name: getattr(cls, name) for name, knob in knobs_of(cls).items() if knob.is_later}


@cache
def docs_of(cls: type) -> Mapping[str, str]:
    """Field -> the string under it in the class body."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for above, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name) and _is_text(below):
            docs[above.target.id] = inspect.cleandoc(ast.literal_eval(below.value))  # type: ignore[attr-defined]  # known here, not to the type
    return docs


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def typed(name: str, value: object, kind: type) -> object:
    """The value as the field's kind; a whole number is fine where a fraction is, nothing else is bent."""
    if kind is float and type(value) is int:
        return _as_float(name, value)
    if type(value) is not kind:
        raise UsageError(f"{name} is {value!r}.", hint=f"{name} takes {KIND_WORDS[kind]}")
    return value


def _as_float(name: str, value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise UsageError(f"{name} is far too large.", hint=f"use a smaller {name}") from None
