"""The command line's flags, made from the fields of GenerateConfig: one knob, one place where it is described."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

from dreamrig import settings
from dreamrig.errors import UsageError
from dreamrig.settings import Sources
from generator.config import CHOICES, STARTS, GenerateConfig
from generator.wishes.seeds import parse_seed

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


def given_values(values: Mapping[str, Any], sources: Sources | None) -> dict[str, Any]:
    """The config fields that somebody set: by flag or, where there are sources, in the environment or a file."""
    types = get_type_hints(GenerateConfig)
    given = {}
    for field in dataclasses.fields(GenerateConfig):
        flag = values.get(field.name)
        if field.name == "prompt":
            continue
        if field.name == "seed":
            flag, sources = seed_number(flag), with_seed_numbers(sources)
        found = settings.resolve(field.name, types[field.name], flag, None, sources=sources or Sources())
        if found.origin != settings.DEFAULT:
            given[field.name] = found.value
    return given


def seed_number(seed: object) -> Any:
    """A seed in words, or as digits of a command line, as a number; anything else as it is."""
    return parse_seed(seed) if isinstance(seed, str) else seed


def with_seed_numbers(sources: Sources | None) -> Sources | None:
    """The sources with a seed in words as the number it stands for."""
    if sources is None:
        return None
    environ, variable = dict(sources.environ), settings.environment_name("seed")
    if environ.get(variable):
        environ[variable] = str(parse_seed(environ[variable]))
    files = (
        (origin, {**content, "seed": seed_number(content["seed"])} if "seed" in content else content)
        for origin, content in sources.files
    )
    return Sources(environ, tuple(files))


SIZE = re.compile(r"(\d{1,9})(?:\s*[xX×]\s*(\d{1,9}))?")


def parse_size(text: str) -> tuple[int, int]:
    """ "256" -> (256, 256), "320x192" -> (320, 192): width and height in pixels."""
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--size {text!r} is no size.", hint="use one number of pixels, or two: --size 256x192")
    width = int(match[1])
    return width, int(match[2] or width)


def spread_size(values: Mapping[str, Any]) -> dict[str, Any]:
    """The flags with --size turned into width and height; both kinds at once are refused."""
    spread = dict(values)
    size = spread.pop("size", None)
    if size is None:
        return spread
    if spread.get("width") is not None or spread.get("height") is not None:
        raise UsageError("--size and --width or --height are both given.", hint="use one of the two")
    spread["width"], spread["height"] = parse_size(size)
    return spread
