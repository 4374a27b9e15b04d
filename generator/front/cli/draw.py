"""One `generate` or `again` after its command line is understood: draw while a terminal watches, then answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dreamrig import console, settings
from dreamrig.errors import EXIT_GOOD, UsageError
from dreamrig.paths import given
from dreamrig.screen import Screen
from dreamrig.settings import Sources
from generator.events import Event, Started
from generator.front.cli.offer import EnlargingNeeds
from generator.pictures.upscale import configured_upscaler
from generator.sinks import Sink
from generator.sinks.asking import choose_graphics
from generator.sinks.preview import CELL_PIXELS, PROTOCOLS, PreviewSink, detect_colours
from generator.sinks.progress import ProgressSink, announce
from generator.sinks.together import Gathered
from generator.work.door import GeneratorDoor
from generator.work.out import check_out
from generator.work.perform import Delivery, perform, perform_together
from generator.work.plan import Plan
from generator.work.report import interruption, show_text, to_data
from generator.work.settings_file import save_config
from generator.work.viewers import open_file

if TYPE_CHECKING:
    from generator.work.execute import Outcome
    from generator.work.job import Job
    from generator.work.together import Fellows

GRAPHICS = ("auto", *PROTOCOLS)


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """How a run is shown and where its picture goes; what it computes is in the config."""

    command: str
    out: str | None = None
    force: bool = False
    preview: bool | None = None
    graphics: str | None = None
    profile: bool = False
    as_json: bool = False
    quiet: bool = False
    open_it: bool = False
    """In the system's own viewer, when it is done."""
    upscale: int | None = None
    """How many times larger the enlarged picture is; None = as its network has it."""
    upscale_with: str | None = None
    """The network that enlarges, by name or by file; None with an `upscale` = the usual one."""
    device: str | None = None
    """Where that network computes; None = as the settings say."""
    save_config: str | None = None
    """A TOML file for the settings."""

    @classmethod
    def from_values(cls, command: str, values: Mapping[str, Any]) -> Presentation:
        """What of the values of a command line is no setting of the picture."""
        return cls(command=command, **{name: values[name] for name in cls.__dataclass_fields__ if name in values})

    @property
    def enlarges(self) -> bool:
        """Whether a network is to enlarge the picture."""
        return self.upscale is not None or self.upscale_with is not None

    def check(self, sources: Sources, plan: Plan | None = None) -> EnlargingNeeds:
        """What enlarging needs; refuses what can be refused before somebody waits for a download.

        plan: of the one picture; None = there are several.   UsageError.
        """
        if self.enlarges:
            from generator.models.upscaler import import_spandrel, published_upscaler

            needs = EnlargingNeeds(published_upscaler(self.upscale_with, self.upscale), (import_spandrel,))
        else:
            configured_upscaler(sources)
            needs = EnlargingNeeds()
        if plan is not None:
            Delivery(out=self.out, force=self.force).check(plan)
        return needs

    def to_delivery(self, sources: Sources) -> Delivery:
        """Where the picture goes, enlarged as the flags say, or else the user's own configuration."""
        if not self.enlarges:
            upscale = configured_upscaler(sources)
        else:
            from generator.models.upscaler import network_upscaler

            device = settings.resolve("device", str, self.device, "auto", sources=sources).value
            upscale = network_upscaler(self.upscale_with, self.upscale, device)
        return Delivery(out=self.out, force=self.force, profile=self.profile, upscale=upscale)


class Terminal:
    """Standard error while one picture is drawn."""

    def __init__(self, shown: Presentation, door: GeneratorDoor, sources: Sources) -> None:
        self.shown, self.environ = shown, door.environ
        self.graphics = resolve_graphics(shown.graphics, sources)
        self.screen = Screen(door.stderr())
        self.progress = ProgressSink(self.screen, door.clock)

    def watchers(self) -> list[Sink]:
        """Who shows the run while it goes."""
        return [announce(self.screen, quiet=self.shown.quiet), *self.displays()]

    def watchers_of(self, titles: Sequence[str]) -> list[list[Sink]]:
        """The same of several runs at once, each with a line to say when it starts, "" = none."""
        gathered = Gathered(self.displays(), len(titles))
        return [
            [self.entitle(title), announce(self.screen, quiet=self.shown.quiet), gathered.listener(number)]
            for number, title in enumerate(titles)
        ]

    def entitle(self, title: str) -> Sink:
        """Says a title at the start."""

        def listen(event: Event) -> None:
            if isinstance(event, Started) and title and not self.shown.quiet:
                self.screen.say(title)

        return listen

    def displays(self) -> list[Sink]:
        """Who draws what goes on."""
        if self.shown.quiet:
            return []
        watchers: list[Sink] = []
        drawn = self.shown.preview is not False and self.graphics != "off"
        if drawn and self.screen.is_terminal and not self.screen.console.no_color:
            protocol, cell_pixels = self._graphics()
            watchers.append(PreviewSink(self.screen, protocol, detect_colours(self.environ), cell_pixels))
        return [*watchers, self.progress]

    def _graphics(self) -> tuple[Any, tuple[int, int]]:
        if self.graphics != "auto":
            return self.graphics, CELL_PIXELS
        return choose_graphics(self.environ, self.screen.console.file, may_ask=not self.shown.as_json)


def draw(plan: Plan, shown: Presentation, door: GeneratorDoor, sources: Sources, began_at: float) -> Outcome:
    """Draw one picture, and tell nothing on standard output.

    began_at: what the door's clock said when the command began.
    """
    terminal, delivery = Terminal(shown, door, sources), shown.to_delivery(sources)
    say = terminal.screen.say
    if shown.save_config is not None:
        check_out(shown.save_config, force=shown.force, suffixes=(".toml",), what="settings are TOML")
    try:
        return perform(
            plan, delivery, door, began_at, watchers=terminal.watchers(), say=say, on_job=lambda job: _save(job, shown)
        )
    finally:
        terminal.progress.close()


def draw_together(
    plans: Sequence[Plan],
    titles: Sequence[str],
    shown: Presentation,
    door: GeneratorDoor,
    sources: Sources,
    began_at: float,
    *,
    batch_size: int,
    on_fellows: Callable[[Fellows], None],
) -> list[Outcome | BaseException]:
    """Draw the first of these pictures, and those after it that go into the same steps; see perform_together.

    titles: a line about each.   on_fellows: told how many they are, before the first step.
    """
    terminal, delivery = Terminal(shown, door, sources), shown.to_delivery(sources)
    if not shown.quiet:
        terminal.screen.say(titles[0])

    def watching(fellows: Fellows) -> list[list[Sink]]:
        on_fellows(fellows)
        others = titles[1 : fellows.count]
        return terminal.watchers_of(["", *others]) if others else [terminal.watchers()]

    try:
        return perform_together(
            plans, delivery, door, began_at, batch_size=batch_size, watching=watching, say=terminal.screen.say
        )
    finally:
        terminal.progress.close()


def _save(job: Job, shown: Presentation) -> None:
    if shown.save_config is not None:
        save_config(given(shown.save_config, "--save-config"), job.config)


def show(outcome: Outcome, shown: Presentation, door: GeneratorDoor) -> int:
    """The answer on standard output; how to go on, on standard error. Returns the exit code."""
    ended = interruption(outcome)
    if shown.as_json:
        console.print_json(shown.command, to_data(outcome), ok=ended is None, errors=[] if ended is None else [ended])
    elif shown.quiet:
        print(outcome.picture)
    else:
        show_text(outcome, door.environ)
    if shown.open_it and not open_file(outcome.picture, door.viewers):
        console.print_note("note: there is no viewer here that could be started; open the file named above yourself")
    if ended is None:
        return EXIT_GOOD
    if not shown.as_json:
        console.print_error(ended)
    return ended.exit_code


def resolve_graphics(flag: str | None, sources: Sources) -> Any:
    """How pictures are shown in the terminal: one of GRAPHICS, by flag, DREAMRIG_GRAPHICS or a file."""
    wanted = settings.resolve("graphics", str, flag, "auto", sources=sources).value
    if wanted not in GRAPHICS:
        raise UsageError(f"There is no graphics {wanted!r}.", hint=f"use one of: {', '.join(GRAPHICS)}")
    return wanted
