"""Which weights are published, where they lie, and which of them are ready on this machine.

A model is ready when `<weights>/<name>/meta.json` stands beside `model.safetensors`; meta.json is written last. Nothing
here touches the network, and importing this module does not import torch.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from dreamrig.documents import DocumentError, read_object, write_object
from dreamrig.errors import MissingWeightsError, NotReadyError, UsageError
from dreamrig.paths import weights_folder

if TYPE_CHECKING:
    from torch import Tensor

REGISTRY_FILE = Path(__file__).with_name("registry.json")
HUB = "huggingface.co"
NEAR_NAMES = 3
"""How many are offered for one that nobody knows, since many differ by a letter."""
MODEL, META = "model.safetensors", "meta.json"
Kind = Literal["vqgan", "clip", "tokenizer", "upscaler", "head"]
"""What paints, what looks (a SigLIP too), what reads for one that looks, what enlarges, and what judges."""


@dataclass(frozen=True)
class Source:
    """One address of a published file."""

    url: str
    sha256: str | None
    """Of the published file; None = nobody has told."""
    bytes: int | None
    note: str = ""
    gone: str = ""
    """Who reported the address dead, and when; "" = nobody has."""

    @property
    def is_pinned(self) -> bool:
        """Whether what it gives is known beforehand: a SHA-256, and no branch of a hub that may move on tomorrow."""
        return self.sha256 is not None and not any(f"/resolve/{branch}/" in self.url for branch in ("main", "master"))

    @property
    def page(self) -> str:
        """The address for a person: of a hub's file, the page that shows it; of anything else, the file itself."""
        return self.url.replace("/resolve/", "/blob/", 1) if self.is_of_hub else self.url

    def through(self, endpoint: str) -> str:
        """The address to ask: of a hub's file, its place at another endpoint of the hub; of anything else, its own."""
        return endpoint + self.url.removeprefix(f"https://{HUB}") if self.is_of_hub else self.url

    @property
    def host(self) -> str:
        """The name of the machine it lies on."""
        return urlsplit(self.url).hostname or self.url

    @property
    def is_of_hub(self) -> bool:
        """Whether it is an address of Hugging Face's hub."""
        return self.host == HUB


@dataclass(frozen=True)
class Entry:
    """One published model and where to get it, the preferred address first."""

    name: str
    kind: Kind
    licence: str
    trained_on: str
    terms: str
    approximate_mib: int
    """Size of the download."""
    sources: tuple[Source, ...]
    needs: tuple[str, ...] = ()
    """Other entries that it is of no use without: the tokenizer of a SigLIP."""

    @property
    def is_dead(self) -> bool:
        """Whether every address was reported dead, so that only a file somebody has already can help."""
        return all(source.gone for source in self.sources)

    @property
    def is_import_only(self) -> bool:
        """Whether no address that may answer gives what is known beforehand; dead ones are among them."""
        return not self.pinned_hosts

    @property
    def pinned_hosts(self) -> frozenset[str]:
        """The machines that are not reported dead and give exactly what is known beforehand."""
        return frozenset(source.host for source in self.sources if source.is_pinned and not source.gone)

    @property
    def hosts(self) -> frozenset[str]:
        """The machines that are not reported dead, whether it is known beforehand what they give or not."""
        return frozenset(source.host for source in self.sources if not source.gone)

    @property
    def only_host(self) -> str | None:
        """The one machine that all hangs on, where no other may answer; None = there are several, or none."""
        return next(iter(self.hosts)) if len(self.hosts) == 1 else None


@dataclass(frozen=True)
class Installed:
    """What meta.json says of a converted model."""

    name: str
    kind: Kind
    sha256: str
    """Of model.safetensors."""
    bytes: int
    """Of model.safetensors."""
    original_sha256: str
    original_bytes: int
    source: str
    """The address it came from, or the name of the imported file."""
    is_published: bool
    """Whether the original's SHA-256 is the one of the registry; False also where the registry knows none."""
    licence: str
    terms: str
    architecture: Mapping[str, Any]
    """Sizes, read from the shapes of the tensors."""
    fetched_at: str
    """UTC, ISO 8601."""
    checked_mtime_ns: int
    """Modification time of model.safetensors when its SHA-256 was last computed."""
    numbers_sha256: str = ""
    """Of the numbers in float32, see convert.Converted; "" where an earlier version converted it."""

    @property
    def identity(self) -> str:
        """What tells these weights from others, whichever mirror they came from."""
        return self.numbers_sha256 or self.sha256


# ---- the published ones ----------------------------------------------------------------------------------------------


@cache
def entries(file: Path = REGISTRY_FILE) -> Mapping[str, Entry]:
    """Every published model of a registry file, by name."""
    document = read_object(file)
    return {name: _entry(name, row) for name, row in document["weights"].items()}


def _entry(name: str, row: Mapping[str, Any]) -> Entry:
    sources = tuple(Source(**source) for source in row["sources"])
    return Entry(name=name, **{**row, "sources": sources, "needs": tuple(row.get("needs", ()))})


def find(name: str, file: Path = REGISTRY_FILE) -> Entry:
    """The entry of a name, whatever its capitals; UsageError with near names otherwise."""
    known = entries(file)
    by_plain = {folder_name(known_name).lower(): known_name for known_name in known}
    if (found := by_plain.get(folder_name(name).lower())) is not None:
        return known[found]
    near = [by_plain[plain] for plain in difflib.get_close_matches(folder_name(name).lower(), by_plain, n=NEAR_NAMES)]
    ask = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"There are no weights called {name!r}.", hint=f"{ask}see: dreamrig weights list")


def folder_name(name: str) -> str:
    """The name as a folder: ViT-L/14@336px -> ViT-L-14-336px."""
    return name.replace("/", "-").replace("@", "-")


# ---- the ready ones --------------------------------------------------------------------------------------------------


def folder_of(name: str, base: Path | None = None) -> Path:
    """Where a model lies; `base` is the weights folder, the user's own where None."""
    if not name or folder_name(name) != Path(folder_name(name)).name or name.startswith("."):
        raise UsageError(f"{name!r} is no name of weights.", hint="see: dreamrig weights list")
    return (weights_folder() if base is None else base) / folder_name(name)


def installed(name: str, base: Path | None = None) -> Installed | None:
    """What is known of a converted model, None where there is none that looks whole."""
    folder = folder_of(name, base)
    facts = read_json(folder / META)
    try:
        found = (
            Installed(**{field.name: facts[field.name] for field in fields(Installed) if field.name in facts})
            if facts
            else None
        )
        if found is None or (folder / MODEL).stat().st_size != found.bytes:
            return None
    except (KeyError, TypeError, OSError):
        return None
    return found


def is_ready(name: str, base: Path | None = None) -> bool:
    """Whether `converted_tensors` would find this model (its bytes are not read for that)."""
    return installed(name, base) is not None


def require_ready(names: Sequence[str], base: Path | None = None) -> None:
    """Raise MissingWeightsError that names all of these models that are not here, and the one command for them."""
    missing = [name for name in dict.fromkeys(names) if not is_ready(name, base)]
    if missing:
        raise _not_here(missing)


def converted_tensors(name: str, base: Path | None = None) -> dict[str, Tensor]:
    """The tensors of a converted model, floating ones as float32, on the CPU.

    NotReadyError when it is not there, or changed since it was converted: the SHA-256 is computed whenever the file's
    modification time is not the one of the last time, which spares a second at every start.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    facts = installed(name, base)
    if facts is None:
        raise _not_here([name])
    path = folder_of(name, base) / MODEL
    try:
        if path.stat().st_mtime_ns != facts.checked_mtime_ns:
            check(facts, base)
        tensors = load_file(path)
    except (OSError, SafetensorError):
        raise _damaged(name) from None
    return {key: value.to(torch.float32) if value.is_floating_point() else value for key, value in tensors.items()}


def check(facts: Installed, base: Path | None = None) -> None:
    """Compute the SHA-256 of a converted model; NotReadyError when it is not the one noted."""
    folder = folder_of(facts.name, base)
    mtime_ns = (folder / MODEL).stat().st_mtime_ns
    if sha256_of(folder / MODEL) != facts.sha256:
        raise _damaged(facts.name)
    if mtime_ns != facts.checked_mtime_ns:
        write_meta(Installed(**{**asdict(facts), "checked_mtime_ns": mtime_ns}), folder)


def write_meta(facts: Installed, folder: Path) -> None:
    """Write meta.json; from then on the model is ready."""
    write_object(folder / META, {"schema": 1, **asdict(facts)})


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any] | None:
    """A small JSON object from disk, None where there is none to be read."""
    try:
        return read_object(path)
    except (OSError, DocumentError):
        return None


def _not_here(names: Sequence[str]) -> MissingWeightsError:
    message = f"The weights {' and '.join(names)} are not here yet."
    return MissingWeightsError(message, hint=f"run: dreamrig weights fetch {' '.join(names)}")


def _damaged(name: str) -> NotReadyError:
    return MissingWeightsError(
        f"The weights {name} are damaged: their SHA-256 is not the one noted.",
        hint=f"fetch them again: dreamrig weights fetch {name} --again",
    )
