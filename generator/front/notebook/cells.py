"""What the cells of generator/dreamrig.ipynb call: draw with a live picture, look at what there is, take it home."""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamrig.console import print_error
from dreamrig.errors import FailedError, RigError, UsageError
from dreamrig.screen import Screen
from dreamrig.words import pace
from generator.events import Event, Finished, Preview, Started, Step
from generator.pictures.upscale import configured_upscaler
from generator.runs import folder as runs
from generator.sinks import Sink
from generator.sinks.progress import announce
from generator.work.door import GeneratorDoor
from generator.work.given import given_values, spread_size
from generator.work.order import Order
from generator.work.perform import Delivery, perform
from generator.work.plan import plan
from generator.work.report import interruption, show_text

if TYPE_CHECKING:
    from torch import Tensor

ROOT = Path(__file__).resolve().parents[3]
SHOWN_SIDE = 512
"""Pixels of the longer side of the live picture."""


class CellStopped(Exception):
    """A RigError as a notebook shows it: two lines instead of a traceback, and "Run all" ends here."""

    def __init__(self, error: RigError) -> None:
        super().__init__(error.message)
        self.hint = error.hint

    def _render_traceback_(self) -> list[str]:
        return [f"error: {self}", *([f"hint: {self.hint}"] if self.hint else [])]


@contextmanager
def in_words() -> Iterator[None]:
    """Errors that people can act on, as CellStopped."""
    try:
        yield
    except RigError as error:
        raise CellStopped(error) from None


def draw(prompt: str, *, door: GeneratorDoor | None = None, **settings: Any) -> Path:
    """Draw and show the picture while it grows; returns the picture's path.

    settings: fields of GenerateConfig, `size` and `preset`; None, "" and 0 steps leave a thing to the model.
    The stop button finishes the step and saves what there is. Errors: CellStopped.
    """
    with in_words():
        door = door or GeneratorDoor()
        began_at, sources, screen = door.clock(), door.sources(), Screen(door.stderr())
        values = spread_size(_given(settings))
        order = Order(prompt=prompt, given=given_values(values, sources), preset=values.get("preset"))
        delivery = Delivery(upscale=configured_upscaler(sources))
        watchers: list[Sink] = [announce(screen), LivePicture()]
        outcome = perform(plan(order), delivery, door, began_at, watchers=watchers, say=screen.say)
        show_text(outcome)
        ended = interruption(outcome)
        if ended is not None:
            print_error(ended)
        return outcome.picture


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those that were left alone in the form."""
    empty = {"steps": 0, "seed": -1}
    return {name: value for name, value in settings.items() if value not in (None, "") and value != empty.get(name)}


class LivePicture:
    """One output that changes with every preview: the picture and how far it is."""

    def __init__(self) -> None:
        self.steps, self.step, self.rate = 0, 0, 0.0
        self.handle: Any = None

    def __call__(self, event: Event) -> None:
        """Show previews and the end."""
        if isinstance(event, Started):
            self.steps = event.config.steps
        elif isinstance(event, Step):
            self.step, self.rate = event.index + 1, 1 / event.seconds if event.seconds else 0.0
        elif isinstance(event, Preview):
            self._show(event.image(), f"step {self.step} of {self.steps}, {pace(self.rate)}")
        elif isinstance(event, Finished):
            self._show(event.image(), f"{event.index} steps in {event.seconds:.1f} s")

    def _show(self, picture: Tensor, caption: str) -> None:
        show = _ipython()
        data = enlarged_png(picture)
        if self.handle is None:
            self.caption = show.display(show.HTML(_line(caption)), display_id=True)
            self.handle = show.display(show.Image(data), display_id=True)
            return
        self.caption.update(show.HTML(_line(caption)))
        self.handle.update(show.Image(data))


def _ipython() -> Any:
    """The notebook's display functions; they come with every notebook and carry no types."""
    return importlib.import_module("IPython.display")


def _line(text: str) -> str:
    return f"<code>{text}</code>"


def enlarged_png(picture: Tensor) -> bytes:
    """(3, H, W) in [0, 1] as PNG bytes, enlarged by a whole number to about SHOWN_SIDE pixels."""
    from PIL import Image

    from generator.pictures.png import to_picture

    small = to_picture(picture)
    factor = max(1, SHOWN_SIDE // max(small.size))
    large = small.resize((small.width * factor, small.height * factor), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    large.save(file, "PNG")
    return file.getvalue()


def gallery(count: int = 12, *, columns: int = 4, side: int = 192) -> None:
    """Show the newest pictures of this machine, each with its prompt and seed."""
    show = _ipython()
    with in_words():
        found = [run for run in runs.list_runs() if run.picture is not None][: max(0, count)]
        if not found:
            raise UsageError("There are no pictures yet.", hint="run the cell that draws")
        show.display(show.Image(contact_sheet(found, columns=max(1, columns), side=side)))
        for number, run in enumerate(found, 1):
            print(f"{number:>3}. {run.prompt}  (seed {run.seed}, {run.id})")


def contact_sheet(found: list[runs.Run], *, columns: int, side: int) -> bytes:
    """PNG bytes of the runs' pictures on a grid, in reading order."""
    from PIL import Image

    columns = min(columns, len(found))
    rows = -(-len(found) // columns)
    sheet = Image.new("RGB", (columns * (side + 4) - 4, rows * (side + 4) - 4), "white")
    for number, run in enumerate(found):
        assert run.picture is not None
        with Image.open(run.picture) as opened:
            small = opened.convert("RGB")
        scale = side / max(small.size)
        small = small.resize((round(small.width * scale), round(small.height * scale)), Image.Resampling.LANCZOS)
        sheet.paste(small, ((number % columns) * (side + 4), (number // columns) * (side + 4)))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def download(picture: Path) -> None:
    """Hand the file to the browser: Colab's own way there, a link in Jupyter."""
    with in_words():
        if not Path(picture).is_file():
            raise FailedError(f"There is no picture {picture}.", hint="run the cell that draws")
    if importlib.util.find_spec("google") and importlib.util.find_spec("google.colab"):
        importlib.import_module("google.colab.files").download(str(picture))
        return
    show = _ipython()
    show.display(show.FileLink(str(picture)))


def fetch_weights(names: str, *, yes: bool) -> None:
    """`dreamrig weights fetch` for every name, or the list; the terms are printed first and must be accepted."""
    wanted = names.replace(",", " ").split()
    accepted = ["--yes"] if yes else []
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))}
    for command in [["fetch", name, *accepted] for name in wanted] or [["list"]]:
        words = [sys.executable, "-P", "-m", "dreamrig", "weights", *command]
        ended = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        print(ended.stdout + ended.stderr)
        if ended.returncode:
            raise CellStopped(FailedError("The weights are not there yet.", hint="the lines above say why"))
