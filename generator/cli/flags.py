"""The command line's flags, made from the fields of GenerateConfig: one knob, one place where it is described."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

from generator.config import CHOICES, STARTS, GenerateConfig

COMMON = ("width", "height", "steps", "seed", "start", "step_size", "pull", "cutouts", "device", "threads")
"""Shown first, in this order; all other fields are for the curious."""
METAVARS = {
    "start": "|".join((*STARTS, "IMAGE")),
    "image_prompts": "PATH",
    "mask": "PATH",
    "overlay": "PATH",
    "seed": "N|WORDS",
    "regions": "NAME=PATH",
    **{name: "|".join(allowed) for name, allowed in CHOICES.items()},
}


def field_docs(cls: type) -> dict[str, str]:
    """Field name -> the string under it in the class body."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for above, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name) and _is_text(below):
            docs[above.target.id] = inspect.cleandoc(ast.literal_eval(below.value))  # type: ignore[attr-defined]  # known here, not to the type
    return docs


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def config_parameters(*, common: bool) -> list[inspect.Parameter]:
    """An optional keyword parameter per common field, or per other field but the prompt; None = left alone."""
    docs, types = field_docs(GenerateConfig), get_type_hints(GenerateConfig)
    names = [field.name for field in dataclasses.fields(GenerateConfig)]
    chosen = COMMON if common else [name for name in names if name not in (*COMMON, "prompt")]
    return [_parameter(name, types[name], docs.get(name, "")) for name in chosen]


def _parameter(name: str, type_: type, doc: str) -> inspect.Parameter:
    import typer

    from generator.cli.groups import GROUP_OF

    flag = "--" + name.replace("_", "-")
    words = f"{flag}/--no-{flag[2:]}" if type_ is bool else flag
    help_text = doc
    if name == "seed":
        type_, help_text = str, "A number or some words; same seed, same picture; random where left alone."
    option = typer.Option(
        words, help=help_text, metavar=METAVARS.get(name), show_default=False, rich_help_panel=GROUP_OF.get(name)
    )
    return keyword(name, Annotated[type_ | None, option], None)


def keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    """A keyword-only parameter of a command."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def make_command(body: Callable[[Mapping[str, Any]], int], parameters: list[inspect.Parameter]) -> Callable[..., int]:
    """A function that typer reads as having these parameters, and that hands them to `body` as one mapping."""

    def command(**values: Any) -> int:
        return body(values)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # known here, not to the type
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = body.__doc__
    return command
