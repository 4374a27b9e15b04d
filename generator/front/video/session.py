"""One `dreamrig video` after its command line is understood: load, make the frames, make the film, show."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dreamrig import console
from dreamrig.errors import EXIT_GOOD, InterruptedByUser, RigError, UsageError
from dreamrig.screen import Screen
from generator.front.video.audio import open_audio
from generator.front.video.encode import FILM_SUFFIXES, MOST_RATE, FilmFormat, require_av, write_film
from generator.front.video.interpolate import Interpolate, interpolator
from generator.front.video.plan import FilmPlan
from generator.front.video.spec import FilmSpec
from generator.pictures.formats import metadata_blocks
from generator.pictures.recipe import Recipe
from generator.runs.folder import Run
from generator.sinks.asking import choose_graphics
from generator.sinks.count import CountProgress
from generator.sinks.frames import frames_of
from generator.sinks.preview import PreviewSink, detect_colours
from generator.work.door import GeneratorDoor
from generator.work.job import fitted, hold_run, make_recipe, tell_differences
from generator.work.out import check_out, out_file, require_room
from generator.work.perform import STOPPING
from generator.work.stop import Stop, StopSwitch

if TYPE_CHECKING:
    from generator.config import GenerateConfig
    from generator.front.video.chain import Chain
    from generator.models.base import Models

FILM = "film"
IMPOSSIBLE = "a film is an MP4 or a WebP file"


@dataclass(frozen=True, kw_only=True)
class FilmPresentation:
    """Where a film goes and how it is told."""

    out: str | None = None
    force: bool = False
    interpolate: int | None = None
    """So many times as many frames, by the user's own program; None = the frames as they are."""
    as_json: bool = False
    quiet: bool = False

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> FilmPresentation:
        """What of the values of a command line is not about the film itself."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})

    def check(self, continued: Run | None = None) -> Path | None:
        """The file or folder of --out, None where none was asked for; UsageError where it cannot be."""
        if self.out is not None:
            return check_out(self.out, force=self.force, suffixes=FILM_SUFFIXES, what=IMPOSSIBLE)
        return None if continued is None or continued.out is None else Path(continued.out)


def film_file(out: Path | None, run: Run) -> Path:
    """Where a film is written: where that was asked for, else into the run's folder."""
    return out_file(out, run.id, ".mp4") or run.folder / f"{FILM}.mp4"


class FilmSession:
    """Makes a film, or the rest of one."""

    def __init__(self, film: FilmPlan, shown: FilmPresentation, door: GeneratorDoor, began_at: float) -> None:
        self.film, self.shown, self.door, self.began_at = film, shown, door, began_at
        self.screen = Screen(door.stderr())
        self.is_interrupted = False
        self.interpolate: Interpolate | None = None
        self.between: dict[str, object] = {}
        self.frames_done = 0
        """Up to the first gap; older frames beyond it are made anew."""

    def check(self) -> Path | None:
        """Refuse what can be before anything is fetched or loaded; returns the file or folder of --out."""
        require_av()
        self.interpolate = interpolator(self.shown.interpolate, self.door.sources())
        self.film.check()
        require_room(self.film.run)
        return self.shown.check(self.film.run)

    def run(self) -> int:
        """Do it; returns the exit code."""
        out = self.check()
        with StopSwitch(lambda: self.screen.say(STOPPING)) as stop:
            models, _ = self.door.load(self.film.plan.to_config, self.began_at)
            return self._make(models, out, stop)

    def _make(self, models: Models, out: Path | None, stop: Stop) -> int:
        from generator.front.video.chain import Chain

        say = self.screen.say
        config, spec = self.film.settle(models.defaults)
        if self.film.run is None:
            config = fitted(config, models, say)
        recipe = self._recipe(config, models, spec)
        tell_differences(self.film.recipe, recipe, say)
        with hold_run(self.film.run, recipe, kind="film", steps=spec.frames, out=out, suffix=".mp4") as run:
            return self._work(Chain(run, config, spec, models, self.film.source), recipe, film_file(out, run), stop)

    def _recipe(self, config: GenerateConfig, models: Models, spec: FilmSpec) -> Recipe:
        # A picture of the source is no file of its own: there is nothing to describe.
        described = config if self.film.source is None else replace(config, start="grey")
        return replace(make_recipe(described, models), config=config.to_dict(), film=spec.to_dict())

    def _work(self, chain: Chain, recipe: Recipe, path: Path, stop: Stop) -> int:
        """Frames, then the film; whatever happens, the folder tells how it ended."""
        from generator.front.video.chain import whole_frames

        run = chain.run
        self.frames_done = len(whole_frames(run))
        try:
            stop.arm()
            made = self._frames(chain, stop)
            if made == chain.spec.frames:
                self._encode(chain, recipe, path)
        except KeyboardInterrupt:
            self._end_early(chain)
        except Exception as error:
            self._note_failure(run, error)
            raise
        if made < chain.spec.frames:
            self._end_early(chain)
        run = run.record(status="done", steps_done=chain.spec.frames, seconds=self._seconds(run))
        return self._show(run, chain.spec, path)

    def _note_failure(self, run: Run, error: Exception) -> None:
        """Note why the film is not done; an error of ours also says how to go on."""
        self._record(run, status="failed", error=error.message if isinstance(error, RigError) else str(error))
        if isinstance(error, RigError):
            error.hint = "; then ".join(filter(None, [error.hint, f"to go on, run: dreamrig video resume {run.id}"]))

    def _end_early(self, chain: Chain) -> NoReturn:
        """Note that the film is not done, and say how to go on."""
        self._record(chain.run, status="interrupted")
        raise InterruptedByUser(
            f"Interrupted after frame {self.frames_done} of {chain.spec.frames}; the frames so far are kept.",
            hint=f"to go on, run: dreamrig video resume {chain.run.id}",
        ) from None

    def _frames(self, chain: Chain, stop: Stop) -> int:
        already = self.frames_done
        config, spec = chain.config, chain.spec
        if not self.shown.quiet:
            self.screen.say(
                f"seed {config.seed} · {config.width}x{config.height} · {spec.frames} frames, {already} done"
            )
        progress = CountProgress(self.screen, self.door.clock, "frame", spec.frames, already)
        preview = self._preview()
        run = chain.run

        def on_frame(done: int, picture: Any) -> None:
            self.frames_done = done
            run.record(steps_done=done, seconds=self._seconds(run))
            if preview is not None:
                preview.draw(picture)
            if not self.shown.quiet:
                progress(done)

        try:
            return chain.make(stop.is_pressed, on_frame)
        finally:
            progress.close()

    def _preview(self) -> PreviewSink | None:
        environ, screen = self.door.environ, self.screen
        if self.shown.quiet or not screen.is_terminal or screen.console.no_color:
            return None
        protocol, cell_pixels = choose_graphics(environ, screen.console.file, may_ask=not self.shown.as_json)
        return PreviewSink(screen, protocol, detect_colours(environ), cell_pixels)

    def _encode(self, chain: Chain, recipe: Recipe, path: Path) -> None:
        """Frames to a film, with the source's sound where there is one."""
        film, spec = chain.spec.to_format(), chain.spec
        source = chain.source
        if source is not None and source.has_audio and path.suffix.lower() != ".mp4":
            self.screen.say(f"note: {path.suffix} films have no sound; for the sound, use --out {path.stem}.mp4")
        has_sound = source is not None and source.has_audio and path.suffix.lower() == ".mp4"
        with_sound = source if has_sound else None
        length = float(Fraction(spec.frames) / film.rate)
        starts_at = 0.0 if with_sound is None else with_sound.starts_at
        with open_audio(None if with_sound is None else with_sound.path, starts_at, length) as audio:
            self.between = encode_frames(
                self.screen,
                self.door,
                frames_of(chain.run),
                path,
                film,
                recipe,
                audio,
                interpolate=self.interpolate,
                quiet=self.shown.quiet,
            )

    def _seconds(self, run: Run) -> float:
        return (run.seconds or 0.0) + self.door.clock() - self.began_at

    def _record(self, run: Run, **changes: object) -> None:
        with suppress(RigError):  # a full disk: the dead process tells as much
            run.record(steps_done=self.frames_done, seconds=self._seconds(run), **changes)

    def _show(self, run: Run, spec: FilmSpec, path: Path) -> int:
        data = {"film": path, "run": run.id, "run_folder": run.folder, "frames": spec.frames, "fps": spec.rate}
        tell(data | self.between | {"seconds": run.seconds, "seed": run.seed}, self.shown)
        return EXIT_GOOD


def encode_frames(
    screen: Screen,
    door: GeneratorDoor,
    frames: list[Path],
    path: Path,
    film: FilmFormat,
    recipe: Recipe | None,
    audio: Any = None,
    *,
    interpolate: Interpolate | None = None,
    quiet: bool = False,
) -> dict[str, object]:
    """Write the film with its recipe inside, where there is one, and tell how far it is.

    interpolate: makes more frames of them, which then follow one another so much faster; how many and how fast comes
    out, as `tell` takes it.
    """
    if not frames:
        raise UsageError("There are no frames.", hint="see: dreamrig video --help")
    if interpolate is not None:
        with tempfile.TemporaryDirectory(prefix="dreamrig-") as folder:
            if not quiet:
                screen.say(f"interpolating {len(frames)} frames with your own program")
            made = interpolate(frames, Path(folder))
            faster = quicken(film, Fraction(len(made), len(frames)))
            encode_frames(screen, door, made, path, faster, recipe, audio, quiet=quiet)
        return {"film_frames": len(made), "film_fps": str(faster.rate)}
    progress = CountProgress(screen, door.clock, "frame", len(frames) + film.hold_frames, label="encoding")
    try:
        comment = None if recipe is None else recipe.public().to_dict()
        blocks = None if recipe is None else metadata_blocks(recipe)
        tick = None if quiet else progress
        write_film(path, frames, film, comment=comment, metadata=blocks, audio=audio, tick=tick)
    finally:
        progress.close()
    return {}


def quicken(film: FilmFormat, times: Fraction) -> FilmFormat:
    """The same film with `times` as many frames in the same seconds; UsageError beyond the fastest rate."""
    rate = film.rate * times
    if rate > MOST_RATE:
        raise UsageError(
            f"{float(rate):g} frames a second are more than {MOST_RATE}.", hint="use a lower --interpolate, or --fps"
        )
    return replace(film, rate=rate.limit_denominator(1001), hold_frames=round(film.hold_frames * times))


def tell(data: dict[str, Any], shown: FilmPresentation) -> None:
    """The answer on standard output."""
    if shown.as_json:
        console.print_json("video", data)
    elif shown.quiet:
        print(data["film"])
    else:
        width = max(map(len, data))
        print("\n".join(f"{label:<{width}}  {_word(value)}" for label, value in data.items() if value is not None))


def _word(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
