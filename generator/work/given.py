"""Which fields of GenerateConfig somebody set: by flag or form, in the environment, or in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dreamrig import settings
from dreamrig.errors import UsageError
from dreamrig.settings import Sources
from generator.config import GenerateConfig
from generator.knobs import kinds_of
from generator.wishes.seeds import parse_seed

SIZE = re.compile(r"(\d{1,9})(?:\s*[xX×]\s*(\d{1,9}))?")


def given_values(values: Mapping[str, Any], sources: Sources | None) -> dict[str, Any]:
    """The config fields but the prompt that somebody set: in `values` or, where there are sources, in one of those.

    values: field -> what was said, None = nothing; other keys are passed over.
    """
    given: dict[str, Any] = {}
    for name, kind in kinds_of(GenerateConfig).items():
        said = values.get(name)
        if name == "prompt":
            continue
        if name == "seed":
            said, sources = _seed_number(said), with_seed_numbers(sources)
        found = settings.resolve(name, kind, said, None, sources=sources or Sources())
        if found.origin != settings.DEFAULT:
            given[name] = found.value
    return given


def _seed_number(seed: object) -> Any:
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
        (origin, {**content, "seed": _seed_number(content["seed"])} if "seed" in content else content)
        for origin, content in sources.files
    )
    return Sources(environ, tuple(files))


def parse_size(text: str) -> tuple[int, int]:
    """ "256" -> (256, 256), "320x192" -> (320, 192): width and height in pixels."""
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--size {text!r} is no size.", hint="use one number of pixels, or two: --size 256x192")
    width = int(match[1])
    return width, int(match[2] or width)


def spread_size(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with a `size` turned into width and height; both kinds at once are refused."""
    spread = dict(values)
    size = spread.pop("size", None)
    if size is None:
        return spread
    if spread.get("width") is not None or spread.get("height") is not None:
        raise UsageError("--size and --width or --height are both given.", hint="use one of the two")
    spread["width"], spread["height"] = parse_size(size)
    return spread
