"""The picture in the terminal, redrawn in place above the progress bar.

Half blocks work in every colour terminal; kitty's and iTerm2's protocols show real pixels where the environment says
that they are there; sixel where the terminal says so when it is asked (asking.py).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dreamrig.screen import Screen
from generator.events import Event, Finished, Preview
from generator.pictures.png import to_picture

if TYPE_CHECKING:
    from PIL import Image

Protocol = Literal["blocks", "kitty", "iterm2", "sixel", "off"]
PROTOCOLS: tuple[Protocol, ...] = ("blocks", "kitty", "iterm2", "sixel", "off")
Colours = Literal["truecolor", "256"]

WIDEST_COLUMNS = 64
HIGHEST_ROWS = 32
ROWS_LEFT_FREE = 5  # the bar, the talk, the prompt line
SMALLEST_ROWS = 4
KITTY_IMAGE_ID = 7341
KITTY_CHUNK = 4096
CELL_PIXELS = (10, 20)  # width, height of a character cell where nobody tells us; VT340's
SIXEL_COLOURS = 255
SAVE_CURSOR, RESTORE_CURSOR = "\x1b7", "\x1b8"


def is_multiplexed(environ: Mapping[str, str]) -> bool:
    """Whether tmux or screen stands between us and the terminal; they swallow the graphics protocols."""
    return bool(environ.get("TMUX")) or environ.get("TERM", "").startswith(("screen", "tmux"))


def detect_protocol(environ: Mapping[str, str]) -> Protocol:
    """What the terminal can show, by what it says in its environment variables."""
    if is_multiplexed(environ):
        return "blocks"
    if environ.get("KITTY_WINDOW_ID") or environ.get("TERM") == "xterm-kitty":
        return "kitty"
    if environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm"):
        return "iterm2"
    return "blocks"


def detect_colours(environ: Mapping[str, str]) -> Colours:
    """24-bit colours where COLORTERM promises them (Windows Terminal does so by WT_SESSION), else the 256."""
    promised = environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or "WT_SESSION" in environ
    return "truecolor" if promised else "256"


@dataclass(frozen=True)
class Cells:
    """The room a picture takes in the terminal, in character cells."""

    columns: int
    rows: int


def fit_cells(width: int, height: int, columns: int, lines: int) -> Cells | None:
    """The largest room of the picture's shape, a cell being twice as high as wide; None in too small a terminal."""
    room_columns, room_rows = min(columns, WIDEST_COLUMNS), min(lines - ROWS_LEFT_FREE, HIGHEST_ROWS)
    if room_rows < SMALLEST_ROWS or room_columns < 2 * SMALLEST_ROWS:
        return None
    scale = min(room_columns / width, 2 * room_rows / height)
    return Cells(max(1, round(width * scale)), max(1, round(height * scale / 2)))


class PreviewSink:
    """Draws Preview and Finished pictures on the screen, each in the place of the one before."""

    def __init__(
        self, screen: Screen, protocol: Protocol, colours: Colours, cell_pixels: tuple[int, int] = CELL_PIXELS
    ) -> None:
        """cell_pixels: width, height of a character cell; sixel alone draws by pixels."""
        self.screen, self.protocol, self.colours, self.cell_pixels = screen, protocol, colours, cell_pixels
        self.drawn: tuple[Cells, tuple[int, int]] | None = None
        """The room taken, and the size of the terminal at that time."""

    def __call__(self, event: Event) -> None:
        """Draw, where this is a picture and somebody looks."""
        if isinstance(event, Preview | Finished):
            self.draw(to_picture(event.image()))

    def draw(self, picture: Image.Image) -> None:
        """Put the picture above the bar: in its old place where that still stands, else in new lines."""
        size = (self.screen.console.width, self.screen.console.height)
        cells = fit_cells(*picture.size, *size)
        if cells is None:
            return
        # What was said since moved the picture up; out of the window, it can no longer be redrawn.
        in_window = cells.rows + self.screen.lines_since_mark < size[1]
        if self.drawn != (cells, size) or not in_window:
            self.screen.reserve(cells.rows)
            self.drawn = (cells, size)
        up = cells.rows + self.screen.lines_since_mark
        payload = render(picture, cells, self.protocol, self.colours, self.cell_pixels)
        self.screen.write(f"{SAVE_CURSOR}\r\x1b[{up}A{payload}{RESTORE_CURSOR}")


def render(
    picture: Image.Image,
    cells: Cells,
    protocol: Protocol,
    colours: Colours,
    cell_pixels: tuple[int, int] = CELL_PIXELS,
) -> str:
    """What a terminal has to be sent, with the cursor in the picture's upper left cell."""
    if protocol == "kitty":
        return render_kitty(picture, cells)
    if protocol == "iterm2":
        return render_iterm2(picture, cells)
    if protocol == "sixel":
        return render_sixel(picture, cells, cell_pixels)
    return "\r\n".join(render_blocks(picture, cells, colours))


def render_blocks(picture: Image.Image, cells: Cells, colours: Colours) -> list[str]:
    """One line per row of cells; each cell is an upper half block, its two colours are two pixels."""
    from PIL import Image

    small = picture.resize((cells.columns, 2 * cells.rows), Image.Resampling.BOX)
    data = small.tobytes()
    pixel: Callable[[int, int], bytes] = lambda x, y: data[3 * (y * cells.columns + x) :][:3]  # noqa: E731
    code = _code_24_bit if colours == "truecolor" else _code_256
    lines = []
    for y in range(0, 2 * cells.rows, 2):
        line = ""
        for x in range(cells.columns):
            line += f"\x1b[38;{code(*pixel(x, y))};48;{code(*pixel(x, y + 1))}m▀"
        lines.append(line + "\x1b[0m")
    return lines


def _code_24_bit(red: int, green: int, blue: int) -> str:
    return f"2;{red};{green};{blue}"


def _code_256(red: int, green: int, blue: int) -> str:
    """The nearest of the 6x6x6 colour cube and the 24 greys of xterm's palette."""
    levels = (0, 95, 135, 175, 215, 255)
    cube = [min(range(6), key=lambda i, value=value: abs(levels[i] - value)) for value in (red, green, blue)]  # type: ignore[misc]  # the default argument has no declared type
    grey = min(23, max(0, round((red + green + blue) / 3 - 8) // 10))
    shade = 8 + 10 * grey
    in_cube = sum((levels[i] - value) ** 2 for i, value in zip(cube, (red, green, blue), strict=True))
    in_greys = sum((shade - value) ** 2 for value in (red, green, blue))
    return f"5;{232 + grey}" if in_greys < in_cube else f"5;{16 + 36 * cube[0] + 6 * cube[1] + cube[2]}"


def render_kitty(picture: Image.Image, cells: Cells) -> str:
    """kitty's graphics protocol: one image and one placement, so that the next one takes its place; no answer asked."""
    data = base64.b64encode(_plain_png(picture)).decode()
    chunks = [data[start : start + KITTY_CHUNK] for start in range(0, len(data), KITTY_CHUNK)]
    head = f"a=T,f=100,i={KITTY_IMAGE_ID},p=1,c={cells.columns},r={cells.rows},C=1,q=2,"
    parts = []
    for index, chunk in enumerate(chunks):
        more = int(index < len(chunks) - 1)
        parts.append(f"\x1b_G{head if index == 0 else 'q=2,'}m={more};{chunk}\x1b\\")
    return "".join(parts)


def render_iterm2(picture: Image.Image, cells: Cells) -> str:
    """iTerm2's inline image, which WezTerm shows as well."""
    png = _plain_png(picture)
    room = f"width={cells.columns};height={cells.rows};preserveAspectRatio=0"
    return f"\x1b]1337;File=inline=1;size={len(png)};{room}:{base64.b64encode(png).decode()}\x07"


def _plain_png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def render_sixel(picture: Image.Image, cells: Cells, cell_pixels: tuple[int, int] = CELL_PIXELS) -> str:
    """DEC sixel: bands of six rows, one run-length-coded line per colour of the band."""
    from PIL import Image

    size = (cells.columns * cell_pixels[0], cells.rows * cell_pixels[1])
    indexed = picture.resize(size, Image.Resampling.LANCZOS).quantize(SIXEL_COLOURS)
    palette = indexed.getpalette("RGB") or []
    data = indexed.tobytes()
    colours = "".join(
        f"#{index};2;" + ";".join(str(round(value * 100 / 255)) for value in palette[3 * index : 3 * index + 3])
        for index in sorted(set(data))
    )
    width, height = size
    bands = [
        "$".join(_sixel_line(colour, data, width, top, height) for colour in _band_colours(data, width, top, height))
        for top in range(0, height, 6)
    ]
    return f'\x1bP0;1q"1;1;{width};{height}{colours}' + "-".join(bands) + "\x1b\\"


def _band_colours(data: bytes, width: int, top: int, height: int) -> list[int]:
    return sorted(set(data[top * width : min(top + 6, height) * width]))


def _sixel_line(colour: int, data: bytes, width: int, top: int, height: int) -> str:
    rows = [data[y * width : (y + 1) * width] for y in range(top, min(top + 6, height))]
    masks = [sum((row[x] == colour) << bit for bit, row in enumerate(rows)) for x in range(width)]
    line, start = f"#{colour}", 0
    while start < width:
        end = start
        while end < width and masks[end] == masks[start]:
            end += 1
        character, count = chr(63 + masks[start]), end - start
        line += f"!{count}{character}" if count > 3 else character * count
        start = end
    return line
