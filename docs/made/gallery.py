"""docs/gallery.md and the pictures on it: what the features do with the starter networks.

`python -m docs.made.gallery` makes every picture and film anew with the commands of gallery.json, in a data folder of
its own, and writes the page; `--page` writes the page alone.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.front.cli.generate import generate
from generator.front.cli.video import video

ENTRIES = Path(__file__).with_name("gallery.json")
PAGE = Path(__file__).parents[1] / "gallery.md"
FOLDER = PAGE.with_name("gallery")
COMMANDS = {"generate": generate, "video": video}
DRAWN = ("disc.png", "disc-on-nothing.png")
"""Pictures that the commands need and that no command makes."""
INTRODUCTION = """\
# Gallery

Every picture on this page was made with the starter networks that come with dreamrig, on a CPU, by the command below
it. **Nothing here was made with the original VQGAN and CLIP weights:** they have not been at hand, so how the large
networks' pictures look with these flags is not shown, and the presets of the notebooks are not shown either. The
starter knows few things, and most pictures are 96 pixels wide; they show what a flag does, not how fine a picture can
be.

The commands are run in `docs/gallery`, one after the other. A picture carries its recipe: `dreamrig again castle.png`
repeats it. On another processor or with another version of torch some pixels may differ. `disc.png` and
`disc-on-nothing.png` are a white disc on black and on nothing.

This page and its pictures are made from `docs/made/gallery.json` by `python -m docs.made.gallery`.
"""


@dataclass(frozen=True, kw_only=True)
class GalleryEntry:
    """One picture or film of the page."""

    file: str
    caption: str
    commands: tuple[str, ...]
    """What comes after `dreamrig`."""
    times: int = 1
    """How often it is shown across and down."""


def read_entries() -> dict[str, list[GalleryEntry]]:
    """Heading -> entries, in the order of gallery.json."""
    sections = json.loads(ENTRIES.read_text(encoding="utf-8"))
    return {heading: [_entry(facts) for facts in entries] for heading, entries in sections.items()}


def _entry(facts: dict[str, str | int | list[str]]) -> GalleryEntry:
    command = facts["command"]
    commands = tuple(command) if isinstance(command, list) else (str(command),)
    times = facts.get("times", 1)
    assert isinstance(times, int)
    return GalleryEntry(file=str(facts["file"]), caption=str(facts["caption"]), commands=commands, times=times)


def render_page() -> str:
    """The page as text."""
    parts = [INTRODUCTION]
    for heading, entries in read_entries().items():
        parts += [f"## {heading}\n", *map(_render, entries)]
    return "\n".join(parts)


def _render(entry: GalleryEntry) -> str:
    image = f'<img src="gallery/{entry.file}" alt="{html.escape(entry.caption.replace("`", ""))}">'
    rows = "<br>\n".join([image * entry.times] * entry.times)
    commands = "\n".join(f"dreamrig {command}" for command in entry.commands)
    return f"{rows}\n\n{entry.caption}\n\n```bash\n{commands}\n```\n"


def draw_discs(folder: Path) -> None:
    """The two pictures of DRAWN."""
    from PIL import Image, ImageDraw

    disc = Image.new("L", (96, 96), 0)
    ImageDraw.Draw(disc).ellipse((24, 24, 71, 71), fill=255)
    on_nothing = Image.new("RGBA", disc.size, (255, 255, 255, 0))
    on_nothing.putalpha(disc)
    for name, picture in zip(DRAWN, (disc, on_nothing), strict=True):
        picture.save(folder / name, optimize=True)


def make(entry: GalleryEntry, folder: Path) -> None:
    """Run an entry's commands in a folder; their errors are RigErrors."""
    with chdir(folder):
        for command in entry.commands:
            name, *words = shlex.split(command)
            COMMANDS[name]([*words, "--quiet", *(["--force"] if "--out" in words else [])])


@contextmanager
def own_data_folder() -> Iterator[None]:
    """Runs of nobody's, gone afterwards, so that "last" is always our own."""
    before = os.environ.get("DREAMRIG_HOME")
    with tempfile.TemporaryDirectory(prefix="dreamrig-") as home:
        os.environ["DREAMRIG_HOME"] = home
        try:
            yield
        finally:
            del os.environ["DREAMRIG_HOME"]
            if before is not None:
                os.environ["DREAMRIG_HOME"] = before


def main() -> None:
    """Make the pictures that are asked for, all by default, and the page."""
    parser = argparse.ArgumentParser(prog="python -m docs.made.gallery", description="Make docs/gallery anew.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="only these, e.g. heart.png")
    parser.add_argument("--page", action="store_true", help="write the page and no picture")
    words = parser.parse_args()
    if not words.page:
        FOLDER.mkdir(exist_ok=True)
        draw_discs(FOLDER)
        with own_data_folder():
            for entry in (entry for entries in read_entries().values() for entry in entries):
                if not words.files or entry.file in words.files:
                    make(entry, FOLDER)
    PAGE.write_text(render_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
