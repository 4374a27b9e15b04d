"""`dreamrig prove` after its command line is understood: machine, networks, drawings, lines, the file."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig import __version__, console
from dreamrig.called import as_called
from dreamrig.errors import EXIT_GOOD, EXIT_PROBLEM_FOUND, InterruptedByUser, NotReadyError
from dreamrig.locks import sole_holder
from dreamrig.paths import data_folder, ensure_folder
from dreamrig.screen import Screen
from dreamrig.words import duration, plural
from generator.front.prove.bands import (
    BANDS,
    BandComparison,
    ProofVerdict,
    RecordedBands,
    compare,
    read_bands,
)
from generator.front.prove.file import SUFFIX, default_name, write_proof
from generator.front.prove.kept import FOLDER, KeptDrawing, KeptDrawings, key_of
from generator.front.prove.lines import (
    ProofLine,
    closing,
    network_line,
    preset_line,
    render_lines,
    starter_line,
    tell_verdicts,
    verdict_of,
)
from generator.front.prove.machine import describe_machine, in_words
from generator.front.prove.subjects import FIRST_SEED, PROMPTS, Piece, ProofSubject, digest_of_settings, pieces_of
from generator.presets import PRESETS
from generator.sinks.count import CountProgress
from generator.weights import registry
from generator.work.door import GeneratorDoor
from generator.work.job import fitted
from generator.work.out import check_out, out_file, require_writable
from generator.work.stop import Stop, StopSwitch
from provision.machine.machine import Machine, stopped_at_the_end

if TYPE_CHECKING:
    from generator.models.base import Models

NOT_A_ZIP = "a proof is a ZIP file"
WIDTH, WIDEST = 100, 120
"""Columns of the text in the file, and the most on a terminal."""
STOPPING = "stopping after this step; the drawings so far are kept"


def this_machine() -> Machine:
    """The machine that this runs on."""
    from provision.machine.local import ThisMachine

    return ThisMachine()


@dataclass(frozen=True, kw_only=True)
class ProofScope:
    """What is proven, against what, on which machine; tests bring their own."""

    subjects: Sequence[ProofSubject]
    bands: Path = BANDS
    machine: Callable[[], Machine] = this_machine


@dataclass(frozen=True, kw_only=True)
class ProofWish:
    """What the command line asks for."""

    device: str = "auto"
    seeds: int = 1
    """How many drawings of each."""
    anew: bool = False
    out: str | None = None
    force: bool = False
    as_json: bool = False
    quiet: bool = False

    def file(self) -> Path:
        """Where the proof is written; UsageError or NotReadyError where it cannot be."""
        if self.out is None:
            require_writable(Path.cwd())
            return Path.cwd() / f"{default_name()}{SUFFIX}"
        found = out_file(
            check_out(self.out, force=self.force, suffixes=(SUFFIX,), what=NOT_A_ZIP), default_name(), SUFFIX
        )
        assert found is not None
        return found


@dataclass
class SubjectProof:
    """What came of one subject."""

    subject: ProofSubject
    lines: list[ProofLine]
    facts: dict[str, Any]
    """For the file: hashes, precision, device."""
    curves: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)


class ProofSession:
    """Makes a proof, or the rest of one."""

    def __init__(self, wish: ProofWish, scope: ProofScope, door: GeneratorDoor, began_at: float) -> None:
        self.wish, self.scope, self.door, self.began_at = wish, scope, door, began_at
        self.screen = Screen(door.stderr())
        self.told: set[str] = set()

    def run(self) -> int:
        """Do it; returns the exit code: 3 where a line differs."""
        path, folder = self.wish.file(), ensure_folder(data_folder() / FOLDER)
        bands = [read_bands(subject, self.scope.bands) for subject in self.scope.subjects]
        held = NotReadyError("Another dreamrig prove is at work here.", hint="wait until it has ended, then try again")
        with sole_holder(folder / ".lock", held), StopSwitch(lambda: self.screen.say(STOPPING)) as stop:
            kept = KeptDrawings(folder)
            if self.wish.anew:
                kept.forget()
            facts, clean = self._machine()
            proofs = [self._prove(*one, kept, stop) for one in zip(self.scope.subjects, bands, strict=True)]
            for proof in proofs:  # texts of torch, and of whatever else is not ours
                proof.facts = clean(proof.facts)
            lines = [line for proof in proofs for line in proof.lines]
            self._write(path, facts, proofs, lines)
            kept.forget()
        return self._show(path, facts, lines)

    def _machine(self) -> tuple[dict[str, Any], Callable[[Any], Any]]:
        with stopped_at_the_end(self.scope.machine()) as machine:
            facts, redactor = describe_machine(machine)
        self._say(f"machine: {in_words(facts)}")
        return facts, redactor.value

    def _say(self, text: str) -> None:
        """A line of talk, the same one once."""
        if not self.wish.quiet and text not in self.told:
            self.told.add(text)
            self.screen.say(text)

    # ---- one subject

    def _prove(
        self, subject: ProofSubject, bands: RecordedBands | None, kept: KeptDrawings, stop: Stop
    ) -> SubjectProof:
        pieces = list(pieces_of(subject, range(FIRST_SEED, FIRST_SEED + self.wish.seeds)))
        models, _ = self.door.load(pieces[0].to_plan(self.wish.device).to_config, self.began_at)
        proof = self._begin(subject, bands, models)
        usable = bands if bands is not None and bands.weights == models.sha256 else None
        compared: dict[str, list[BandComparison]] = {preset: [] for preset in PRESETS}
        for piece, settings, drawn in self._draw_all(pieces, models, kept, stop):
            found = compare(drawn.losses, piece.seed, None if usable is None else usable.find(piece), settings)
            compared[piece.preset].append(found)
            proof.curves.append(_curve(piece, settings, drawn, found))
            if drawn.picture:
                proof.pictures[piece.name] = drawn.picture
        proof.facts |= self._device_facts(pieces[0], models)
        proof.lines += [preset_line(subject, preset, found) for preset, found in compared.items()]
        return proof

    def _begin(self, subject: ProofSubject, bands: RecordedBands | None, models: Models) -> SubjectProof:
        """The lines of the networks, and what the file tells about them."""
        facts: dict[str, Any] = {"name": subject.name, "weights": models.sha256, "networks": {}}
        facts |= {"side": subject.side, "steps": subject.steps, "cutouts": subject.cutouts}
        if not subject.networks:
            line = starter_line(subject, models.sha256, None if bands is None else bands.weights)
            return SubjectProof(subject, [line], facts)
        known, lines = registry.entries(self.door.weights().registry_file), []
        for name in subject.networks:
            line, facts["networks"][name] = network_line(subject, known[name], self.door.weights().weights_folder())
            lines.append(line)
        return SubjectProof(subject, lines, facts)

    def _device_facts(self, piece: Piece, models: Models) -> dict[str, Any]:
        """Where and how it was drawn, and how much memory that took at most."""
        from generator import devices

        device, config = models.image.codebook.device, piece.to_plan(self.wish.device).to_config(models.defaults)
        how = {name: getattr(config, name) for name in ("precision", "deterministic", "backend", "threads")}
        return {"device": devices.describe(device), **how, "peak_memory_mib": devices.peak_memory_mib(device)}

    def _draw_all(
        self, pieces: Sequence[Piece], models: Models, kept: KeptDrawings, stop: Stop
    ) -> list[tuple[Piece, str, KeptDrawing]]:
        """Every drawing, those that were kept read; InterruptedByUser where somebody pressed Ctrl-C."""
        subject, found = pieces[0].subject, []
        configs = [piece.to_plan(self.wish.device).to_config(models.defaults) for piece in pieces]
        identity = self._identity(models)
        keys = [key_of({**identity, "config": config.to_dict()}) for config in configs]
        before = [kept.find(key) for key in keys]
        have = sum(one is not None for one in before)
        self._say(self._announce(subject, len(pieces), have))
        progress = CountProgress(self.screen, self.door.clock, "drawing", len(pieces), have, label=subject.name)
        stop.arm()
        try:
            for piece, config, key, one in zip(pieces, configs, keys, before, strict=True):
                drawn = one or self._draw(config, models, stop)
                if drawn is None:
                    raise self._interrupted(len(pieces), have)
                if one is None:
                    kept.keep(key, drawn)
                    have += 1
                    if not self.wish.quiet:
                        progress(have)
                found.append((piece, digest_of_settings(config), drawn))
        except KeyboardInterrupt:
            raise self._interrupted(len(pieces), have) from None
        finally:
            progress.close()
        return found

    def _draw(self, config: Any, models: Models, stop: Stop) -> KeptDrawing | None:
        from generator.front.prove.drawing import draw_piece

        if stop.is_pressed():
            return None
        try:
            as_recorded = fitted(config, models, self._say, in_windows=False)
            return draw_piece(as_recorded, models, self.door.clock, stop.is_pressed)
        except NotReadyError as error:
            if error.code == "out_of_memory":
                error.hint = "close what else uses the memory, then run the same command again: it goes on"
            raise

    def _identity(self, models: Models) -> dict[str, Any]:
        """All that a kept drawing depends on but for its settings."""
        from generator import devices

        device = devices.describe(models.image.codebook.device)
        versions = {"dreamrig": __version__, **devices.versions()}
        return {"weights": models.sha256, "device": device, "versions": versions}

    def _announce(self, subject: ProofSubject, total: int, have: int) -> str:
        size = f"{subject.side}x{subject.side}, {subject.steps} steps"
        already = f", {have} from before" if have else ""
        return f"{subject.name}: {plural(len(PRESETS), 'preset')}, {plural(total, 'drawing')} of {size}{already}"

    def _interrupted(self, total: int, have: int) -> InterruptedByUser:
        return InterruptedByUser(
            f"Interrupted after {have} of {plural(total, 'drawing')}; those are kept.",
            hint="to go on, run the same command again",
        )

    # ---- the end

    def _write(
        self, path: Path, facts: Mapping[str, Any], proofs: Sequence[SubjectProof], lines: Sequence[ProofLine]
    ) -> None:
        from generator import devices

        document = {
            "dreamrig": __version__,
            "verdict": verdict_of(lines),
            "machine": facts,
            "versions": {name: text for name, text in devices.versions().items() if name != "platform"},
            "device": self.wish.device,
            "prompts": PROMPTS,
            "lines": lines,
            "subjects": [{**proof.facts, "curves": proof.curves} for proof in proofs],
        }
        head = f"dreamrig {__version__}\nmachine: {in_words(facts)}"
        text = f"{head}\n\n{render_lines(lines, WIDTH)}\n\n{closing(lines, WIDTH)}\n"
        pictures = {name: data for proof in proofs for name, data in proof.pictures.items()}
        write_proof(path, document, text, pictures)

    def _show(self, path: Path, facts: Mapping[str, Any], lines: Sequence[ProofLine]) -> int:
        verdict, seconds = verdict_of(lines), self.door.clock() - self.began_at
        if self.wish.as_json:
            data = {"file": path, "verdict": verdict, "seconds": seconds, "machine": facts, "lines": lines}
            console.print_json("prove", data, ok=verdict is not ProofVerdict.DIFFERS)
        elif self.wish.quiet:
            print(path)
        else:
            size = f"{-(-path.stat().st_size // 1024):,} KiB"
            width = min(self.door.stderr().width, WIDEST)
            rows = [render_lines(lines, width), ""]
            told = f"verdict  {verdict}: {tell_verdicts(lines)}; in {duration(seconds)}"
            rows += [f"file     {path}, {size}", textwrap.fill(told, width, subsequent_indent=" " * 9)]
            print(console.to_printable("\n".join([*rows, as_called(closing(lines, width))])))
        return EXIT_PROBLEM_FOUND if verdict is ProofVerdict.DIFFERS else EXIT_GOOD


def _curve(piece: Piece, settings: str, drawn: KeptDrawing, found: BandComparison) -> dict[str, Any]:
    """One drawing as the file tells it."""
    return {
        "name": piece.name,
        "preset": piece.preset,
        "prompt": piece.number,
        "seed": piece.seed,
        "settings": settings,
        "losses": list(drawn.losses),
        "seconds": drawn.seconds,
        "error": drawn.error,
        "verdict": found.verdict,
        "why": found.why,
        "steps_outside": found.outside,
        "farthest": found.farthest,
    }
