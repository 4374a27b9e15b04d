"""Where a setting's value comes from: flag > DREAMRIG_* > ./dreamrig.toml > user config > default.

A setting called `steps` is `--steps`, `DREAMRIG_STEPS`, and `steps = 80` at the top of a TOML file.
One called `serve.port` is `DREAMRIG_SERVE_PORT`, and `port = 8000` under `[serve]`.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from dreamrig import documents
from dreamrig.documents import DocumentError
from dreamrig.errors import UsageError
from dreamrig.paths import user_config_file

T = TypeVar("T")

FLAG = "flag"
DEFAULT = "default"
PROJECT_FILE = Path("dreamrig.toml")
TRUE_WORDS = ("1", "true", "yes", "on")
FALSE_WORDS = ("0", "false", "no", "off")
KIND_WORDS: Mapping[type, str] = {int: "a whole number", float: "a number", bool: "yes or no", str: "a text"}


class Resolved(NamedTuple, Generic[T]):
    """A value and where it came from: "flag", "DREAMRIG_STEPS", a file's path, or "default"."""

    value: T
    origin: str


@dataclass(frozen=True)
class Sources:
    """Everything outside the command line that can set a value. Tests make their own."""

    environ: Mapping[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, Mapping[str, Any]], ...] = ()  # (path, content), the stronger first


def load_sources(project_file: Path = PROJECT_FILE, user_file: Path | None = None) -> Sources:
    """Read the environment and both files; UsageError where a file cannot be read or is not TOML."""
    user_file = user_file or user_config_file()
    files = ((f"./{project_file}", project_file), (str(user_file), user_file))
    return Sources(dict(os.environ), tuple((name, content) for name, path in files if (content := read_toml(path))))


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file, empty where there is none."""
    try:
        return documents.read_toml(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except DocumentError as error:
        raise UsageError(error.about(str(path)), hint=f"correct it, or move it away: {path}") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", hint=f"see: ls -l {path}") from error


def resolve(
    name: str, type_: type[T], flag_value: T | None, default: T, *, sources: Sources | None = None
) -> Resolved[T]:
    """The value of setting `name` from the strongest source that has one, and that source.

    type_: int, float, bool or str.   flag_value: None = the flag was not given.   sources: read afresh where None; pass
    one `load_sources()` when resolving many. UsageError names the source whose value is not a `type_`.
    """
    if flag_value is not None:
        return Resolved(flag_value, FLAG)
    sources = load_sources() if sources is None else sources
    variable = environment_name(name)
    if text := sources.environ.get(variable, ""):
        return Resolved(_from_text(text, type_, variable), variable)
    for origin, content in sources.files:
        found = _look_up(content, name)
        if found is not None:
            return Resolved(_from_toml(found, type_, f"{name} in {origin}"), origin)
    return Resolved(default, DEFAULT)


def environment_name(name: str) -> str:
    """`cut_power` -> `DREAMRIG_CUT_POWER`, `serve.port` -> `DREAMRIG_SERVE_PORT`."""
    return "DREAMRIG_" + name.upper().replace(".", "_").replace("-", "_")


def unknown_keys(known: Collection[str], sources: Sources) -> Iterator[tuple[str, str]]:
    """(file, dotted key) for every key in the files that no setting in `known` reads: most likely a slip of the pen."""
    for origin, content in sources.files:
        for key in _dotted_keys(content):
            if key.replace("-", "_") not in known:
                yield origin, key


def _dotted_keys(content: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _dotted_keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def _look_up(content: Mapping[str, Any], name: str) -> Any:
    """The value under a dotted name, None where absent; `cut-power` in a file serves `cut_power`."""
    node: Any = content
    for part in name.split("."):
        if not isinstance(node, Mapping):
            return None
        node = node.get(part, node.get(part.replace("_", "-")))
    return node


def _from_text(text: str, type_: type[T], where: str) -> T:
    try:
        value = _parse_bool(text) if type_ is bool else type_(text)  # type: ignore[call-arg]  # type_ is bool, int, float or str
    except ValueError:
        raise _wrong_kind(where, repr(text), type_) from None
    return value  # type: ignore[return-value]  # parsed as T above


def _parse_bool(text: str) -> bool:
    if text.lower() in TRUE_WORDS:
        return True
    if text.lower() in FALSE_WORDS:
        return False
    raise ValueError(text)


def _from_toml(value: Any, type_: type[T], where: str) -> T:
    if type_ is float and type(value) is int:
        value = float(value)
    if type(value) is not type_:  # not isinstance: to Python, true is the whole number 1
        raise _wrong_kind(where, repr(value), type_)
    return value


def _wrong_kind(where: str, shown: str, type_: type[Any]) -> UsageError:
    kind = KIND_WORDS.get(type_, type_.__name__)
    return UsageError(f"{where} is {shown}, which is not {kind}.", hint=f"give {where} {kind}, or take it away")
