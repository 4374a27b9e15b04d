"""The settings of a picture as a TOML file, there and back: `--save-config`, `--config`. Does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dreamrig.documents import DocumentError, read_toml
from dreamrig.errors import UsageError
from dreamrig.paths import write_atomic
from generator.config import GenerateConfig
from generator.knobs import docs_of, knobs_of

LARGEST_FILE_BYTES = 1024 * 1024
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
HEAD = "# A picture's settings. Make it: dreamrig generate --config {name}"


def save_config(path: Path, config: GenerateConfig) -> None:
    """Write every setting with what it means; NotReadyError where that fails."""
    write_atomic(path, render_config(config, path.name).encode())


def render_config(config: GenerateConfig, name: str = "FILE") -> str:
    """A TOML document that read_config reads back as the same settings."""
    docs = docs_of(GenerateConfig)
    lines = [HEAD.format(name=name), ""]
    for key, value in asdict(config).items():
        lines += [f"# {line}" for line in docs.get(key, "").splitlines()]
        lines.append(f"{key} = {to_toml(value)}")
    return "\n".join(lines) + "\n"


def to_toml(value: bool | float | str) -> str:
    """One value as TOML 1.0 writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    if character in ESCAPES:
        return ESCAPES[character]
    return f"\\u{ord(character):04X}" if ord(character) < 0x20 or ord(character) == 0x7F else character


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a TOML file, the prompt among them; UsageError for an unknown key or what is no such file."""
    try:
        values = read_toml(path, most_bytes=LARGEST_FILE_BYTES)
    except OSError as error:
        raise UsageError(
            f"Cannot read {path}: {error.strerror}.", hint="see: dreamrig generate --save-config FILE"
        ) from error
    except DocumentError as error:
        raise UsageError(error.about(str(path)), hint=f"correct it, or move it away: {path}") from error
    return check_values(values, str(path))


def check_values(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values, each of which must be a setting's; `cut-power` serves `cut_power`, and a seed may be words.

    Their kinds and limits are the config's own business.
    """
    from generator.wishes.seeds import parse_seed

    named = {str(name).replace("-", "_"): value for name, value in values.items()}
    known = knobs_of(GenerateConfig)
    unknown = [name for name in named if name not in known]
    if unknown:
        raise UsageError(f"{where} has an unknown setting: {', '.join(unknown)}.", hint="see: dreamrig config show")
    if isinstance(named.get("seed"), str):
        named["seed"] = parse_seed(named["seed"])
    return named
