"""The command line's flags, made from the fields of GenerateConfig: one knob, one place where it is described."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from generator.knobs import Knob


def config_parameters(*, common: bool) -> list[inspect.Parameter]:
    """An optional keyword parameter per field that most people want, or per other one; None = left alone."""
    from generator.config import GenerateConfig  # commands without a knob of its start without it
    from generator.knobs import knobs_of

    knobs = knobs_of(GenerateConfig)
    chosen = [name for name, knob in knobs.items() if name != "prompt" and (not knob.group) == common]
    return [_parameter(name, knobs[name]) for name in chosen]


def _parameter(name: str, knob: Knob) -> inspect.Parameter:
    import typer

    from generator.config import GenerateConfig
    from generator.knobs import docs_of, kinds_of

    kind, help_text = kinds_of(GenerateConfig)[name], docs_of(GenerateConfig).get(name, "")
    flag = "--" + name.replace("_", "-")
    words = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
    if name == "seed":
        kind, help_text = str, "A number or some words; same seed, same picture; random where left alone."
    option = typer.Option(
        words, help=help_text, metavar=knob.shown_as, show_default=False, rich_help_panel=knob.group or None
    )
    return keyword(name, Annotated[kind | None, option], None)


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
