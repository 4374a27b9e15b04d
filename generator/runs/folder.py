"""Run folders: one per run, readable after any kind of death. Importing this module does not import torch.

runs/<id>/  config.json             the recipe: everything needed to do it again (with paths; stays on this machine)
            run.json                status, steps done, seconds, and which process is at work
            picture.png             with its recipe inside      picture-large.png   enlarged, to look at
            checkpoint.safetensors  to continue from            timings.json        the report as data
            preview.jpg             only while the run goes on
            frames/                 pictures on the way, where --frames-every or `dreamrig video` keeps them
            film.mp4                the film, where this is the folder of one
Every file is written whole or not at all. A run whose process is gone while run.json says "running" has crashed.
"""

from __future__ import annotations

import contextlib
import difflib
import heapq
import itertools
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dreamrig.documents import DocumentError, convert, read_object, write_object
from dreamrig.errors import NotReadyError, RigError, UsageError
from dreamrig.locks import sole_holder
from dreamrig.paths import TEMPORARY, ensure_folder, explain_write_failure, given, runs_folder
from generator.runs import latest
from generator.runs.mark import UNKNOWN_MARK, process_mark

SCHEMA = 1
CONFIG, RECORD, CHECKPOINT, TIMINGS = "config.json", "run.json", "checkpoint.safetensors", "timings.json"
PICTURE, PICTURE_LARGE, PREVIEW = "picture.png", "picture-large.png", "preview.jpg"
OLDER_PREVIEW = "preview.png"
"""Of a run that an earlier version began."""
FRAMES = "frames"
LEFTOVERS = f"{TEMPORARY}*.tmp"
SLUG_CHARACTERS = 40
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")
"""A plain name: no separator, no dot, nothing that leaves the folder of runs."""
TIMED_NAME = re.compile(r"\d{8}T\d{6}Z-")
TIME_CHARACTERS = 16
STALE_SECONDS = 3600.0
"""Of a file that is written in one go: whoever wrote it is gone."""
MOST_CANDIDATES = 200
"""Runs that are read, or names that are compared, to find the one that was meant."""

Kind = Literal["picture", "film"]
Status = Literal["running", "done", "interrupted", "failed"]
Seen = Literal["running", "done", "interrupted", "failed", "crashed"]
RESUMABLE: tuple[Seen, ...] = ("interrupted", "crashed", "failed")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What run.json says, and where it lies."""

    folder: Path
    prompt: str
    seed: int
    steps: int
    status: Status
    created_at: str
    """UTC, ISO 8601."""
    steps_done: int = 0
    seconds: float | None = None
    """Wall seconds of all attempts so far; None = never told."""
    out: str | None = None
    """Where else the picture was asked for."""
    error: str | None = None
    kind: Kind = "picture"
    """Of a film, the steps are frames."""
    number: int = 0
    """How many runs were begun here before, as far as that is known: orders those of a second, and clocks set back."""
    pid: int | None = None
    process: str | None = None
    """What tells this process from a later one with the same number."""

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def picture(self) -> Path | None:
        """The best picture there is: the final one, else the last preview, else None."""
        for name in (PICTURE, PREVIEW, OLDER_PREVIEW):
            if (self.folder / name).is_file():
                return self.folder / name
        return None

    def seen(self) -> Seen:
        """The status as it is now: a run that claims to go on without a living process has crashed."""
        if self.status == "running" and not self.is_alive():
            return "crashed"
        return self.status

    def is_alive(self) -> bool:
        """Whether the process that wrote the record still exists."""
        return self.pid is not None and process_mark(self.pid) in (self.process or "", UNKNOWN_MARK)

    def record(self, **changes: Any) -> Run:
        """The run with these changes, saved."""
        changed = replace(self, **changes)
        facts = {name: value for name, value in asdict(changed).items() if name != "folder"}
        write_json(self.folder / RECORD, {"schema": SCHEMA, **facts})
        return changed

    def claim(self, **changes: Any) -> Run:
        """The run as one that this process is at work on."""
        return self.record(status="running", error=None, pid=os.getpid(), process=process_mark(os.getpid()), **changes)


def new_run(
    *,
    prompt: str,
    seed: int,
    steps: int,
    kind: Kind = "picture",
    base: Path | None = None,
    folder: str | None = None,
    now: datetime | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> Run:
    """Make the folder of a new run, claimed by this process. Two runs never get the same folder.

    recipe: what config.json says. It is there before run.json is: a run that is known can be gone on with.

    base: None = this machine's runs.   folder: the run's id, where the caller knows it before; None = one is made up of
    the time and the prompt. UsageError for an id that is no plain name, or is a run's already.
    """
    base = ensure_folder(runs_folder() if base is None else base)
    now = datetime.now(UTC) if now is None else now
    before = latest.read(base)
    sweep(base, before)
    time = latest.time_of_name(now, before)
    named = f"{time}-{slug(prompt)}"
    made = _make_folder(base, named) if folder is None else _named_folder(base, folder)
    run = Run(
        folder=made,
        prompt=prompt,
        seed=seed,
        steps=steps,
        kind=kind,
        status="running",
        created_at=now.isoformat(timespec="seconds"),
        number=before.number + 1,
    )
    try:
        if recipe is not None:
            write_json(made / CONFIG, recipe)
        claimed = run.claim()
        latest.write(base, run.id, run.number, time)
    except NotReadyError:
        discard(run)
        raise
    return claimed


def sweep(base: Path, before: latest.Latest) -> None:
    """Remove what killed processes left half-written: half-removed runs, and files of the run made last, if it is dead.

    Not where another process holds that run: a film may be on its way into it. A run that is resumed sweeps its own
    folder (sole_worker).
    """
    for leftover in base.glob(LEFTOVERS):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            _remove_old(leftover)
    run = run_with_id(before.run_id, base)
    if run is not None and not run.is_alive() and any(run.folder.glob(LEFTOVERS)):
        with contextlib.suppress(RigError), sole_worker(run):
            pass  # to hold it is to sweep it


def _remove_old(leftover: Path) -> None:
    """Remove a half-written file beside the runs, unless another process may be writing it just now."""
    with contextlib.suppress(OSError):
        if time.time() - leftover.stat().st_mtime > STALE_SECONDS:
            leftover.unlink()


def sweep_files(folder: Path) -> None:
    """Remove half-written files of a run on which nobody is at work."""
    for leftover in folder.glob(LEFTOVERS):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _named_folder(base: Path, name: str) -> Path:
    """The folder of that name; one that a killed process left empty of a run is taken over."""
    if not RUN_ID.fullmatch(name) or name == "last":
        raise UsageError(f"{name!r} is no name for a run's folder.", hint="use letters, digits, - and _")
    folder = base / name
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir() or (folder / RECORD).exists():
            raise UsageError(f"There is a run {name} already.", hint="see: dreamrig history") from None
    except OSError as error:
        raise explain_write_failure(folder, error) from error
    return folder


def _make_folder(base: Path, stem: str) -> Path:
    for _ in range(100):
        folder = base / f"{stem}-{secrets.token_hex(2)}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise explain_write_failure(folder, error) from error
        return folder
    raise NotReadyError(f"No free folder name under {base}.", hint="run it again")


def discard(run: Run) -> None:
    """Remove the folder of a run that never began; anything unexpected in it stays."""
    for name in (RECORD, CONFIG):
        with contextlib.suppress(OSError):
            (run.folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        run.folder.rmdir()


def slug(text: str) -> str:
    """A short ASCII name for a prompt: lower-case letters, digits, single dashes; "picture" where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = "-".join(re.findall(r"[a-z0-9]+", plain.lower()))
    return words[:SLUG_CHARACTERS].strip("-") or "picture"


@contextlib.contextmanager
def sole_worker(run: Run) -> Iterator[None]:
    """Hold the run for this process alone; UsageError where another has it or removed it. The dead hold nothing."""
    if not run.folder.is_dir():
        raise UsageError(f"The run {run.id} is gone: it was removed meanwhile.", hint="see: dreamrig history")
    held = UsageError(f"The run {run.id} is going on in another process.", hint="see: dreamrig history")
    with sole_holder(run.folder, held) as is_locked:  # on a disk without locks run.json alone has to do
        if is_locked:
            sweep_files(run.folder)
        yield


def load_run(folder: Path) -> Run:
    """Read one run.json; ValueError where it is missing, foreign or damaged."""
    try:
        return convert(Run, {**read_json(folder / RECORD), "folder": folder})
    except DocumentError as error:
        raise ValueError(error.about(str(folder / RECORD))) from None


def list_runs(base: Path | None = None) -> list[Run]:
    """All readable runs, the one made last first; a folder that is no run is passed over."""
    return [one for one in look(base) if isinstance(one, Run)]


@dataclass(frozen=True)
class Damaged:
    """A folder that was a run's, and cannot be read as one."""

    folder: Path
    why: str


def look(base: Path | None = None, limit: int | None = None) -> list[Run | Damaged]:
    """Runs and what is left of damaged ones, the one made last first: only as many are read as are asked for."""
    return list(itertools.islice(_walk(runs_folder() if base is None else base), limit))


def _walk(base: Path) -> Iterator[Run | Damaged]:
    for _, group in itertools.groupby(_names(base), key=lambda row: row[0]):
        rows = [one for _, name in group if (one := _look_at(base / name)) is not None]
        yield from sorted(rows, key=_order, reverse=True)  # of the same second: as they were made


def _names(base: Path) -> Iterator[tuple[str, str]]:
    """(when, name) of every folder, newest first: of our own names the time in them, of others the folder's.

    Nothing but a list of names is made for all of them: 50,000 cost hundredths of a second.
    """
    try:
        names = sorted(os.listdir(base), reverse=True)  # noqa: PTH208 - 50,000 paths would cost ten times as much
    except (FileNotFoundError, NotADirectoryError):
        return iter(())
    foreign = {name for name in names if not TIMED_NAME.match(name)}
    ours = ((name[:TIME_CHARACTERS], name) for name in names if name not in foreign)
    others = sorted(filter(None, (_row_of_another(base / name) for name in foreign)), reverse=True)
    return heapq.merge(ours, others, reverse=True) if others else ours


def _row_of_another(folder: Path) -> tuple[str, str] | None:
    """(when, name) of a folder with a name that is not ours; None where it is none."""
    try:
        if folder.name.startswith(".") or not folder.is_dir():
            return None
        changed = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except OSError:  # a link to where this user may not look, or it was removed meanwhile
        return None
    return latest.as_name(changed), folder.name


def _look_at(folder: Path) -> Run | Damaged | None:
    try:
        return load_run(folder)
    except (ValueError, OSError) as error:
        is_run = (TIMED_NAME.match(folder.name) and not _never_began(folder)) or os.path.lexists(folder / RECORD)
        return Damaged(folder, str(error).replace(f"{folder}/", "")) if is_run else None


def _never_began(folder: Path) -> bool:
    """Whether a process was killed before it wrote anything into the folder it had made."""
    try:
        return all(path.name.startswith(TEMPORARY) for path in folder.iterdir())
    except OSError:
        return False


def _order(one: Run | Damaged) -> tuple[int, str]:
    return (one.number if isinstance(one, Run) else 0, one.folder.name)


def find_run(name: str, base: Path | None = None, *, to_resume: bool = False) -> Run:
    """The run with this id, path, unmistakable part of an id, or "last"; UsageError names near ones.

    An exact id costs the reading of one file, however many runs there are.
    to_resume: where several fit, only those that can be resumed count.
    """
    folder = given(name, "the run") if name else Path()
    if name and _can_enter(folder) and (folder / RECORD).is_file():
        return _load_given(folder)
    base = runs_folder() if base is None else base
    exact = run_with_id(name, base)
    if exact is not None:
        return exact
    matches = _made_last(base) if name == "last" else _with_part(name, base)
    if to_resume and len(matches) > 1:
        matches = [run for run in matches if run.seen() in RESUMABLE] or matches
    if len(matches) == 1:
        return matches[0]
    if matches:
        count = f"{len(matches)}{' or more' if len(matches) >= MOST_CANDIDATES else ''}"
        said = f"The ids of {count} runs have {name!r} in them."
        raise UsageError(said, hint=f"give more of the id: {_some_ids(matches)}")
    if (damaged := damaged_with_id(name, base)) is not None:
        hint = f"look into {damaged.folder}, or remove it: dreamrig rm {name} --force"
        raise UsageError(f"The run {name} is damaged: {damaged.why}", hint=hint)
    if name and os.access(folder, os.F_OK):
        why = f"there is no {RECORD} in it" if folder.is_dir() else "it is no folder"
        raise UsageError(f"{name!r} is no run: {why}.", hint=_near_hint(name, base))
    raise UsageError(f"There is no run {name!r}.", hint=_near_hint(name, base))


def _can_enter(folder: Path) -> bool:
    """Whether it is a folder that may be looked into; a run's id is looked for from within folders that may not."""
    return os.access(folder, os.X_OK) and folder.is_dir()  # is_dir alone raises where what leads there is closed


def _made_last(base: Path) -> list[Run]:
    run = run_with_id(latest.read(base).run_id, base)
    return [run] if run is not None else list(itertools.islice((one for one in _walk(base) if isinstance(one, Run)), 1))


def _with_part(part: str, base: Path) -> list[Run]:
    """The runs whose id has this in it; the names are looked at, and only as many runs read as an answer needs."""
    names = itertools.islice((name for _, name in _names(base) if part and part in name), MOST_CANDIDATES)
    return [run for name in names if (run := run_with_id(name, base)) is not None]


def run_with_id(run_id: str, base: Path | None = None) -> Run | None:
    """The run with exactly this id; None where there is none that can be read."""
    if not RUN_ID.fullmatch(run_id):
        return None
    with contextlib.suppress(ValueError):
        return load_run((runs_folder() if base is None else base) / run_id)
    return None


def damaged_with_id(run_id: str, base: Path | None = None) -> Damaged | None:
    """What is left of the run with exactly this id; None where there is nothing, or a run that can be read."""
    folder = (runs_folder() if base is None else base) / run_id
    found = _look_at(folder) if RUN_ID.fullmatch(run_id) and os.path.lexists(folder) else None
    return found if isinstance(found, Damaged) else None


def _load_given(folder: Path) -> Run:
    try:
        return load_run(folder)
    except ValueError as error:
        raise UsageError(f"{folder} is not a readable run: {error}.", hint="see: dreamrig history") from None


def _some_ids(runs: list[Run]) -> str:
    return " or ".join(run.id for run in runs[:3])


def _near_hint(name: str, base: Path) -> str:
    ids = [run_id for _, run_id in itertools.islice(_names(base), MOST_CANDIDATES)]
    if not ids:
        return 'there are no runs yet; make one: dreamrig generate "sunset over the sea"'
    scores = {run_id: _likeness(name, run_id) for run_id in ids}
    near = sorted((run_id for run_id in ids if scores[run_id] >= 0.6), key=lambda one: scores[one], reverse=True)
    return f"did you mean {' or '.join(near[:3])}? all: dreamrig history" if near else "see: dreamrig history"


def _likeness(name: str, run_id: str) -> float:
    """How near a name is to an id, or to the prompt's part of it: 1 = the same."""
    pairs = ((name.lower(), run_id.lower()), (slug(name), slug_of(run_id)))
    return max(difflib.SequenceMatcher(None, one, other).ratio() for one, other in pairs)


def slug_of(run_id: str) -> str:
    """The prompt's part of a run's id."""
    parts = run_id.split("-")
    return "-".join(parts[1:-1]) or run_id


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """One JSON document, UTF-8, whole or not at all."""
    write_object(path, document)


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object of bounded size; ValueError where it is missing, too large, or something else."""
    try:
        return read_object(path)
    except DocumentError as error:
        raise ValueError(error.about(str(path))) from None
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error}") from None
