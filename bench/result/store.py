"""Where this machine's results lie, and how a word on a command line becomes results: a file, a folder, a name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.result.result import BenchResult, read_result, write_result
from dreamrig import paths
from dreamrig.documents import LARGEST_BYTES
from dreamrig.errors import RigError, UsageError
from dreamrig.paths import given
from provision.cards.datasheets import colab_datasheets

BASELINES = Path(__file__).parents[1] / "baselines"
HANDED_IN = Path(__file__).resolve().parents[2] / "results"
"""What people handed in, in a checkout."""
LAST = "last"
MOST_FILES = 10_000


def results_folder() -> Path:
    """The folder with the results of this machine."""
    return paths.data_folder() / "bench"


def file_name(result: BenchResult) -> str:
    """e.g. "20261123T101500-starter-128-nvidia-geforce-rtx-3090-1f2e3d4c.json": sorts by time."""
    when = re.sub(r"[^0-9T]", "", result.created.partition(".")[0].partition("+")[0])
    device = re.sub(r"[^a-z0-9]+", "-", result.device.name.lower()).strip("-")[:40]
    return f"{when}-{result.workload.name}-{device}-{result.id[:8]}.json"


def keep(result: BenchResult, folder: Path | None = None) -> Path:
    """Write a result into the machine's folder, or another; returns the file."""
    path = paths.ensure_folder(folder or results_folder()) / file_name(result)
    write_result(result, path)
    return path


@dataclass(frozen=True)
class Found:
    """A file, and the result in it or why there is none."""

    path: Path
    result: BenchResult | None = None
    error: RigError | None = None


def read_folder(folder: Path) -> list[Found]:
    """Every .json file of a folder and of those below it, by name; a bad one stands with its error."""
    return [_read(path) for path in _files(folder)]


def _files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*.json") if path.is_file())
    if len(files) > MOST_FILES:
        raise UsageError(f"{folder} has {len(files)} JSON files.", hint=f"use a folder of at most {MOST_FILES}")
    return files


def _read(path: Path) -> Found:
    try:
        return Found(path, result=read_result(path))
    except RigError as error:
        return Found(path, error=error)


def baseline_names() -> list[str]:
    """The files that come with dreamrig, without their ending."""
    return sorted(path.stem for path in BASELINES.glob("*.json"))


def known() -> list[BenchResult]:
    """The measured results that come with dreamrig, and those that lie in the folder of this machine."""
    here = read_folder(results_folder()) if results_folder().is_dir() else []
    shipped = [read_result(BASELINES / f"{name}.json") for name in baseline_names()]
    return [*shipped, *(found.result for found in here if found.result is not None)]


def evidence(handed_in: Path = HANDED_IN) -> list[BenchResult]:
    """All that may speak for a GPU of Colab: what is known, and what people handed in that they measured on one."""
    there = [_read(path) for path in _files(handed_in) if _names_colab(path)] if handed_in.is_dir() else []
    return [*known(), *(found.result for found in there if found.result is not None)]


def evidence_files(handed_in: Path = HANDED_IN) -> list[Path]:
    """The files that evidence() looks at."""
    there = [file for folder in (results_folder(), handed_in) if folder.is_dir() for file in _files(folder)]
    return [*sorted(BASELINES.glob("*.json")), *there]


def _names_colab(file: Path) -> bool:
    """Whether a GPU of Colab is named anywhere in a file: most name none, and need not be looked at closely."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.stat().st_size <= LARGEST_BYTES else ""
    return any(re.search(sheet.match, text, re.IGNORECASE) for sheet in colab_datasheets())


def find(source: str) -> Iterator[Found]:
    """What a word means: a file, a folder, "last", a baseline's name, or the beginning of a result's id here.

    A file that cannot be read raises; in a folder it is one of the found, with its error.
    """
    path = given(source, "the result")
    if path.is_dir():
        yield from _in_folder(path)
    elif path.is_file() or path.suffix == ".json":
        yield Found(path, result=read_result(path))
    elif (BASELINES / f"{source}.json").is_file():
        yield Found(BASELINES / f"{source}.json", result=read_result(BASELINES / f"{source}.json"))
    else:
        yield _known_here(source)


def _in_folder(folder: Path) -> list[Found]:
    found = read_folder(folder)
    if not found:
        raise UsageError(f"There are no results in {folder}.", hint="make one: dreamrig bench run --quick")
    return found


def _known_here(source: str) -> Found:
    """The newest result of this machine for "last", else the one whose id begins so."""
    good = [found for found in read_folder(results_folder()) if found.result is not None]
    if source == LAST:
        if not good:
            raise UsageError("There are no results of this machine yet.", hint="make one: dreamrig bench run --quick")
        return max(good, key=lambda found: found.result.created if found.result else "")
    fitting = [found for found in good if found.result and len(source) >= 4 and found.result.id.startswith(source)]
    if len(fitting) == 1:
        return fitting[0]
    raise _unknown(source)


def _unknown(source: str) -> UsageError:
    near = difflib.get_close_matches(source, baseline_names(), n=1)
    hint = f"did you mean the baseline {near[0]}?" if near else "see: dreamrig bench history, dreamrig bench baselines"
    return UsageError(f"{source!r} is no file, no folder, no baseline and no result of this machine.", hint=hint)
