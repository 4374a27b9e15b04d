"""The picture in the terminal, by every protocol."""

from __future__ import annotations

import base64
import io
import random
import re

import pytest
import torch
from PIL import Image
from rich.console import Console

from dreamrig.screen import Screen
from generator.events import Finished, Preview
from generator.sinks import preview
from generator.sinks.preview import (
    Cells,
    PreviewSink,
    _code_256,
    detect_colours,
    detect_protocol,
    fit_cells,
    render,
    render_blocks,
)


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def make_screen(width: int = 80, height: int = 24) -> tuple[Screen, Terminal]:
    file = Terminal()
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    return Screen(Console(file=file, width=width, height=height, _environ=environ, highlight=False)), file


def stripes(width: int = 4, height: int = 4) -> Image.Image:
    """Rows of red, green, blue and white, over and over."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    picture = Image.new("RGB", (width, height))
    for y in range(height):
        picture.paste(colours[y % 4], (0, y, width, y + 1))
    return picture


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM_PROGRAM": "vscode"}, "blocks"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"}, "blocks"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, "blocks"),
    ],
)
def test_the_protocol_is_what_the_terminal_says_it_has(environ: dict[str, str], expected: str) -> None:
    assert detect_protocol(environ) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "256"),
        ({"COLORTERM": "truecolor"}, "truecolor"),
        ({"COLORTERM": "24bit"}, "truecolor"),
        ({"COLORTERM": "yes"}, "256"),
        ({"WT_SESSION": "x"}, "truecolor"),
    ],
)
def test_the_colours_are_what_the_terminal_promises(environ: dict[str, str], expected: str) -> None:
    assert detect_colours(environ) == expected


@pytest.mark.parametrize(
    ("picture", "terminal", "expected"),
    [
        ((128, 128), (200, 100), Cells(64, 32)),
        ((128, 128), (80, 25), Cells(40, 20)),
        ((256, 64), (80, 25), Cells(64, 8)),
        ((128, 128), (30, 60), Cells(30, 15)),
        ((4096, 16), (80, 25), Cells(64, 1)),
        ((128, 128), (80, 8), None),
        ((128, 128), (7, 60), None),
    ],
)
def test_the_picture_fits_and_keeps_its_shape(
    picture: tuple[int, int], terminal: tuple[int, int], expected: Cells | None
) -> None:
    assert fit_cells(*picture, *terminal) == expected


def test_half_blocks_carry_two_pixels_a_cell() -> None:
    lines = render_blocks(stripes(), Cells(4, 2), "truecolor")
    assert lines[0] == "\x1b[38;2;255;0;0;48;2;0;255;0m▀" * 4 + "\x1b[0m"
    assert lines[1] == "\x1b[38;2;0;0;255;48;2;255;255;255m▀" * 4 + "\x1b[0m"


@pytest.mark.parametrize(
    ("colour", "code"),
    [((255, 0, 0), 196), ((0, 0, 0), 16), ((255, 255, 255), 231), ((128, 128, 128), 244), ((95, 135, 175), 67)],
)
def test_without_24_bits_the_nearest_of_256_is_taken(colour: tuple[int, int, int], code: int) -> None:
    (line,) = render_blocks(Image.new("RGB", (1, 2), colour), Cells(1, 1), "256")
    assert line == f"\x1b[38;5;{code};48;5;{code}m▀\x1b[0m"


def test_kitty_gets_the_png_in_chunks_and_keeps_one_placement() -> None:
    picture = Image.effect_noise((96, 96), 90).convert("RGB")
    sent = render(picture, Cells(20, 10), "kitty", "truecolor")
    parts = re.findall("\x1b_G([^;]*);([^\x1b]*)\x1b\\\\", sent)
    assert "".join(f"\x1b_G{head};{body}\x1b\\" for head, body in parts) == sent
    assert len(parts) > 1
    assert all(len(body) <= 4096 for _, body in parts)
    assert [head[-3:] for head, _ in parts] == ["m=1"] * (len(parts) - 1) + ["m=0"]
    assert all(option in parts[0][0].split(",") for option in ("a=T", "p=1", "c=20", "r=10", "C=1", "q=2"))
    decoded = Image.open(io.BytesIO(base64.b64decode("".join(body for _, body in parts))))
    assert decoded.tobytes() == picture.tobytes()


def test_iterm2_gets_the_png_inline() -> None:
    sent = render(stripes(), Cells(20, 10), "iterm2", "truecolor")
    found = re.fullmatch("\x1b]1337;File=([^:]*):([^\x07]*)\x07", sent)
    assert found is not None
    assert "inline=1" in found[1]
    assert "width=20;height=10" in found[1]
    assert Image.open(io.BytesIO(base64.b64decode(found[2]))).tobytes() == stripes().tobytes()


def decode_sixel(sent: str) -> Image.Image:
    """A terminal's reading of a sixel picture."""
    found = re.fullmatch('\x1bP0;1q"1;1;(\\d+);(\\d+)(.*)\x1b\\\\', sent, re.DOTALL)
    assert found is not None
    picture = Image.new("RGB", (int(found[1]), int(found[2])))
    palette, colour, x, top = {}, 0, 0, 0
    for token in re.findall(r"#\d+;2;\d+;\d+;\d+|#\d+|!\d+.|[$-]|[?-~]", found[3]):
        if token.startswith("#") and ";" in token:
            index, _, red, green, blue = map(int, token[1:].split(";"))
            palette[index] = tuple(round(value * 255 / 100) for value in (red, green, blue))
        elif token.startswith("#"):
            colour = int(token[1:])
        elif token == "$":
            x = 0
        elif token == "-":
            x, top = 0, top + 6
        else:
            times = int(token[1:-1]) if token.startswith("!") else 1
            for bit in range(6):
                if (ord(token[-1]) - 63) >> bit & 1:
                    picture.paste(palette[colour], (x, top + bit, x + times, top + bit + 1))
            x += times
    return picture


def test_sixel_draws_the_picture() -> None:
    picture = stripes(8, 4)
    cells = Cells(4, 1)
    drawn = decode_sixel(render(picture, cells, "sixel", "truecolor"))
    assert drawn.size == (cells.columns * preview.CELL_PIXELS[0], cells.rows * preview.CELL_PIXELS[1])
    assert drawn.getpixel((20, 2)) == pytest.approx((255, 0, 0), abs=12)
    assert drawn.getpixel((20, 17)) == pytest.approx((255, 255, 255), abs=12)


def test_the_second_picture_is_drawn_over_the_first() -> None:
    screen, file = make_screen()
    sink = PreviewSink(screen, "blocks", "truecolor")
    sink(Preview(0, lambda: torch.zeros(3, 16, 16)))
    first = file.getvalue()
    assert first.startswith("\n" * 18)
    screen.say("a note")
    before = len(file.getvalue())
    sink(Finished(3, lambda: torch.ones(3, 16, 16), "done", 1.0))
    second = file.getvalue()[before:]
    assert second.startswith("\x1b7\r\x1b[20A")  # 19 rows of picture, one of talk
    assert second.endswith("\x1b8")
    assert "\n" * 2 not in second


def test_a_picture_that_left_the_window_is_drawn_anew() -> None:
    screen, file = make_screen()
    sink = PreviewSink(screen, "blocks", "truecolor")
    sink(Preview(0, lambda: torch.zeros(3, 16, 16)))
    for number in range(10):
        screen.say(f"note {number}")
    before = len(file.getvalue())
    sink(Preview(1, lambda: torch.zeros(3, 16, 16)))
    assert file.getvalue()[before:].startswith("\n" * 18)


def test_a_tiny_terminal_shows_no_picture() -> None:
    screen, file = make_screen(height=6)
    PreviewSink(screen, "blocks", "truecolor")(Preview(0, lambda: torch.zeros(3, 16, 16)))
    assert file.getvalue() == ""


@pytest.mark.parametrize(("notes", "is_in_place"), [(4, True), (5, False)])
def test_a_picture_is_redrawn_as_long_as_its_upper_edge_is_in_the_window(notes: int, is_in_place: bool) -> None:
    """24 lines: 19 of picture and one of the cursor leave room for four of talk; a fifth pushes the edge out."""
    screen, file = make_screen()
    sink = PreviewSink(screen, "blocks", "truecolor")
    sink(Preview(0, lambda: torch.zeros(3, 16, 16)))
    for number in range(notes):
        screen.say(f"note {number}")
    before = len(file.getvalue())
    sink(Preview(1, lambda: torch.zeros(3, 16, 16)))
    assert file.getvalue()[before:].startswith("\x1b7" if is_in_place else "\n")


@pytest.mark.parametrize(("width", "height", "cells"), [(1000, 1, Cells(64, 1)), (1, 1000, Cells(1, 32))])
def test_the_thinnest_picture_still_takes_a_cell(width: int, height: int, cells: Cells) -> None:
    assert fit_cells(width, height, 80, 50) == cells


@pytest.mark.parametrize(
    ("colour", "said"),
    [((0, 0, 0), 16), ((255, 255, 255), 231), ((255, 0, 0), 196), ((8, 8, 8), 232), ((238, 238, 238), 255),
     ((95, 135, 175), 67), ((128, 128, 128), 244), ((0, 0, 255), 21)],
)  # fmt: skip
def test_the_nearest_of_256_colours_is_that_of_xterms_table(colour: tuple[int, int, int], said: int) -> None:
    """6 x 6 x 6 colours from 16 on, 24 greys from 232 on, of 8 to 238: xterm's 256colres.h."""
    assert _code_256(*colour) == f"5;{said}"


@pytest.mark.parametrize(("lines", "columns", "fits"), [(9, 8, True), (8, 8, False), (9, 7, False)])
def test_a_terminal_of_four_rows_beside_the_bar_still_shows_something(lines: int, columns: int, fits: bool) -> None:
    assert (fit_cells(64, 64, columns, lines) is not None) is fits


def test_of_more_than_255_colours_sixel_takes_255() -> None:
    noise = random.Random(1).randbytes(3 * 60 * 60)
    sent = render(Image.frombytes("RGB", (60, 60), noise), Cells(6, 3), "sixel", "truecolor")
    assert len(re.findall(r"#\d+;2;", sent)) == 255
