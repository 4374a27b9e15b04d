"""One `generate` or `again` after its command line is understood: check, load, run, show."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from dreamrig import console, paths, settings
from dreamrig.errors import EXIT_GOOD, InterruptedByUser, UsageError
from dreamrig.screen import Screen
from dreamrig.settings import Sources
from generator.cli.config_file import save_config
from generator.config import GenerateConfig
from generator.pictures.paths import describe_pictures
from generator.pictures.recipe import Recipe, describe_start_image, differences
from generator.pictures.upscale import configured_upscaler
from generator.runs import folder as runs
from generator.sinks import Sink
from generator.sinks.preview import PROTOCOLS, PreviewSink, detect_colours, detect_protocol
from generator.sinks.progress import ProgressSink, announce
from generator.sinks.report import render_table, report_rows
from generator.work.door import Door
from generator.work.out import check_out, out_file, require_writable
from generator.work.plan import Plan
from generator.work.stop import StopSwitch

if TYPE_CHECKING:
    from generator.models.base import Models
    from generator.work.execute import Job, Outcome

GRAPHICS = ("auto", *PROTOCOLS)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How a run is shown and where its picture goes; what it computes is in the config."""

    command: str
    out: str | None = None
    force: bool = False
    preview: bool | None = None
    graphics: str | None = None
    profile: bool = False
    as_json: bool = False
    quiet: bool = False
    save_config: str | None = None
    """A TOML file for the settings."""

    @classmethod
    def from_values(cls, command: str, values: Mapping[str, Any]) -> Wishes:
        """The wishes among the values of a command line."""
        return cls(command=command, **{name: values[name] for name in cls.__dataclass_fields__ if name in values})


class Session:
    """Holds what the four parts hand to each other."""

    def __init__(self, plan: Plan, wishes: Wishes, door: Door, sources: Sources, began_at: float) -> None:
        """began_at: what the door's clock said when the command began."""
        self.plan, self.wishes, self.door, self.began_at = plan, wishes, door, began_at
        self.graphics = resolve_graphics(wishes.graphics, sources)
        self.upscale = configured_upscaler(sources)
        self.screen = Screen(door.stderr())
        self.progress = ProgressSink(self.screen, door.clock)
        self.out: Path | None = None

    def run(self) -> int:
        """Do it; returns the exit code."""
        return self.show(self.perform())

    def perform(self) -> Outcome:
        """Do it, and tell nothing on standard output."""
        config = self.check()
        with StopSwitch(self.tell_stopping) as stop:
            return self.load_and_execute(config, stop)

    def tell_stopping(self) -> None:
        """Called in the signal handler."""
        self.screen.say("stopping after this step; once more stops at once")

    # ---- check

    def check(self) -> GenerateConfig:
        """Refuse what can be refused before anything slow; returns the config but for the model's defaults."""
        plan = self.plan
        config = plan.to_config({})
        require_pictures(config)
        require_writable(paths.ensure_folder(paths.runs_folder()) if plan.run is None else plan.run.folder)
        if self.wishes.save_config is not None:
            check_out(self.wishes.save_config, force=self.wishes.force, suffixes=(".toml",), what="settings are TOML")
        asked = self.wishes.out or (plan.run.out if plan.run else None)
        if asked is not None:
            self.out = check_out(asked, force=self.wishes.force, continues=plan.recipe if plan.run else None)
        return config

    # ---- load and run

    def load_and_execute(self, early: GenerateConfig, stop: StopSwitch) -> Outcome:
        """Load the networks, claim a folder, and do the run in it."""
        clock = self.door.clock
        before_import = clock()
        from generator.work.execute import execute

        before_load = clock()
        models = self.door.load_models(early)
        load_seconds = clock() - before_load
        with self.job(models, before_load - before_import, load_seconds) as job:
            try:
                return execute(job, watchers=self.watchers(), say=self.screen.say, stop=stop, clock=self.timer(models))
            finally:
                self.progress.close()

    @contextmanager
    def job(self, models: Models, import_seconds: float, load_seconds: float) -> Iterator[Job]:
        """Everything decided, in a run folder, new or continued, that this process holds alone."""
        from generator.work.execute import Job, load_checkpoint, make_recipe

        config, continued = self.fitted(self.plan.to_config(models.defaults), models), self.plan.run
        recipe = make_recipe(config, models)
        self.tell_differences(recipe)
        if self.wishes.save_config is not None:
            save_config(Path(self.wishes.save_config).expanduser(), config)
        run = continued or runs.new_run(prompt=config.prompt, seed=config.seed, steps=config.steps)
        with runs.sole_worker(run):
            state = None if continued is None else load_checkpoint(run)
            out = out_file(self.out, run.id)
            yield Job(
                config=config,
                models=models,
                run=run.claim(out=None if out is None else str(out)),
                recipe=recipe,
                is_new=continued is None,
                resume=state,
                out=out,
                overwrite=self.wishes.force or continued is not None,
                profile=self.wishes.profile,
                upscale=self.upscale,
                began_at=self.began_at,
                import_seconds=import_seconds,
                load_seconds=load_seconds,
            )

    def fitted(self, config: GenerateConfig, models: Models) -> GenerateConfig:
        """The config as it fits into the free memory, its changes told; a run that goes on stays as it is."""
        from generator.devices import available_memory_mib
        from generator.engine.memory import fit_to_memory

        if self.plan.run is not None:
            return config
        config, changes = fit_to_memory(config, models, available_memory_mib(models.image.codebook.device))
        if changes:
            self.screen.say(f"note: little memory is free: {changes}")
        return config

    def tell_differences(self, recipe: Recipe) -> None:
        """Say what may change the pixels although the recipe is the same."""
        if self.plan.recipe is None:
            return
        for difference in differences(self.plan.recipe, recipe):
            self.screen.say(f"note: {difference}: this may give different pixels")

    def timer(self, models: Models) -> Callable[[], float]:
        """The clock for the steps; on a GPU it waits until the work is really done."""
        from generator.devices import synchronising_clock

        if self.door.clock is not perf_counter:
            return self.door.clock
        return synchronising_clock(models.image.codebook.device)

    def watchers(self) -> list[Sink]:
        """Who shows the run while it goes."""
        watchers: list[Sink] = [announce(self.screen, quiet=self.wishes.quiet)]
        if self.wishes.quiet:
            return watchers
        drawn = self.wishes.preview is not False and self.graphics != "off"
        if drawn and self.screen.is_terminal and not self.screen.console.no_color:
            environ = self.door.environ
            protocol = detect_protocol(environ) if self.graphics == "auto" else self.graphics
            watchers.append(PreviewSink(self.screen, protocol, detect_colours(environ)))
        return [*watchers, self.progress]

    # ---- show

    def show(self, outcome: Outcome) -> int:
        """The answer on standard output; how to go on, on standard error."""
        from generator.work.execute import resume_hint

        ended: list[InterruptedByUser] = []
        if outcome.is_interrupted:
            done, steps = outcome.run.steps_done, outcome.run.steps
            message = f"Interrupted after step {done} of {steps}; the picture so far is saved."
            ended = [InterruptedByUser(message, hint=resume_hint(outcome.run))]
        if self.wishes.as_json:
            console.print_json(self.wishes.command, to_data(outcome), ok=not ended, errors=ended)
        elif self.wishes.quiet:
            print(outcome.picture)
        else:
            show_text(outcome)
        for error in ended:
            if not self.wishes.as_json:
                console.print_error(error)
        return ended[0].exit_code if ended else EXIT_GOOD


def require_pictures(config: GenerateConfig) -> None:
    """UsageError where a file that the settings name cannot be read."""
    describe_start_image(config.start)
    describe_pictures(config.to_dict())


def resolve_graphics(flag: str | None, sources: Sources) -> Any:
    """How pictures are shown in the terminal: one of GRAPHICS, by flag, DREAMRIG_GRAPHICS or a file."""
    wanted = settings.resolve("graphics", str, flag, "auto", sources=sources).value
    if wanted not in GRAPHICS:
        raise UsageError(f"There is no graphics {wanted!r}.", hint=f"use one of: {', '.join(GRAPHICS)}")
    return wanted


def to_data(outcome: Outcome) -> dict[str, Any]:
    """The `data` of the JSON document."""
    return {
        "picture": outcome.picture,
        "picture_large": outcome.picture_large,
        "run": outcome.run.id,
        "run_folder": outcome.run.folder,
        "status": outcome.run.status,
        "prompt": outcome.run.prompt,
        "seed": outcome.run.seed,
        "steps_done": outcome.run.steps_done,
        "plan": outcome.plan_words or None,
        "unknown_words": outcome.unknown_words,
        "timings": outcome.report.to_dict(),
    }


def show_text(outcome: Outcome) -> None:
    """Paths on lines of their own, never wrapped, and the report: as a table on a terminal, plain elsewhere."""
    rows = [("run", outcome.run.id), ("seed", str(outcome.run.seed)), *report_rows(outcome.report)]
    print(f"picture   {outcome.picture}")
    if outcome.picture_large is not None:
        print(f"enlarged  {outcome.picture_large}", flush=True)
    if os.isatty(1):
        console.stdout_console().print(render_table(rows))
    else:
        width = max(len(label) for label, _ in rows)
        print("\n".join(f"{label:<{width}}  {text}" for label, text in rows))
