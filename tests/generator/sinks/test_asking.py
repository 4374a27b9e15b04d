"""Is sixel there? A terminal made of a pty is asked by a process of its own."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from generator.sinks.asking import QUESTION, _read_answer, choose_graphics
from generator.sinks.preview import CELL_PIXELS

PATIENCE_SECONDS = 60
HAS_SIXEL, HAS_NONE = b"\x1b[?62;4;22c", b"\x1b[?64;22c"
ASK = """
import os, sys
from generator.sinks.asking import ask_terminal
os.open(os.ttyname(2), os.O_RDWR)  # the leader of a session takes the terminal as its own
answer = ask_terminal(sys.stderr, float(sys.argv[1]))
print(answer.has_sixel, *answer.cell_pixels, flush=True)
sys.stdin.readline()
"""


class FakeTerminal:
    """A pty whose user is a test, with one process at it."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.process: subprocess.Popen[str] | None = None

    def start(self, limit_seconds: float) -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ASK, str(limit_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.slave,
            start_new_session=True,
            text=True,
        )
        return self.process

    def read_question(self) -> None:
        said = b""
        while QUESTION not in said:
            assert select.select([self.master], [], [], PATIENCE_SECONDS)[0], "nothing is asked"
            said += os.read(self.master, 1024)

    def is_as_before(self) -> bool:
        return bool(termios.tcgetattr(self.slave) == self.before)

    def waits_input(self) -> bool:
        """Whether a shell would read something now."""
        attributes = termios.tcgetattr(self.slave)
        attributes[3] &= ~termios.ICANON
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
        os.set_blocking(self.slave, False)
        try:
            return bool(os.read(self.slave, 1024))
        except BlockingIOError:
            return False

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[FakeTerminal]:
    made = FakeTerminal()
    yield made
    made.close()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (HAS_SIXEL, "True 10 20"),
        (b"\x1b[6;16;8t" + HAS_SIXEL, "True 8 16"),
        (b"typed\x1b[6;0;0t" + HAS_SIXEL, "True 10 20"),
        (HAS_NONE, "False 10 20"),
        (b"\x1b[?4c", "False 10 20"),  # a VT132: the first number is the kind of terminal
        (b"\x1b[?62;44c", "False 10 20"),
    ],
)
def test_a_terminal_that_answers_is_believed_and_left_as_it_was(
    terminal: FakeTerminal, answer: bytes, said: str
) -> None:
    process = terminal.start(PATIENCE_SECONDS)
    terminal.read_question()
    quiet = terminal.before[3] & ~(termios.ECHO | termios.ICANON)
    assert termios.tcgetattr(terminal.slave)[:6] == [*terminal.before[:3], quiet, *terminal.before[4:6]]
    os.write(terminal.master, answer[:4])
    os.write(terminal.master, answer[4:])
    assert first_line(process) == said
    assert terminal.is_as_before()
    assert not terminal.waits_input()


def test_a_terminal_that_does_not_answer_shows_blocks(terminal: FakeTerminal) -> None:
    process = terminal.start(0.2)
    terminal.read_question()
    assert first_line(process) == "False 10 20"
    assert terminal.is_as_before()


def test_an_answer_that_comes_late_is_not_left_to_the_shell(terminal: FakeTerminal) -> None:
    process = terminal.start(0.2)
    assert first_line(process) == "False 10 20"
    os.write(terminal.master, HAS_SIXEL)
    process.communicate("\n", timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert not terminal.waits_input()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_a_signal_while_it_waits_leaves_the_terminal_as_it_was(terminal: FakeTerminal, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
    try:
        process = terminal.start(PATIENCE_SECONDS)
    finally:
        signal.signal(number, before)
    terminal.read_question()
    process.send_signal(number)
    process.wait(timeout=PATIENCE_SECONDS)
    assert process.returncode == -number
    assert terminal.is_as_before()


class Telltale(io.StringIO):
    """A file that must not be asked which terminal it is."""

    def fileno(self) -> int:
        raise AssertionError("asked")


@pytest.mark.parametrize(
    ("environ", "may_ask", "chosen"),
    [
        ({"TERM": "xterm-kitty"}, True, "kitty"),
        ({"TERM_PROGRAM": "WezTerm"}, True, "iterm2"),
        ({"TMUX": "x"}, True, "blocks"),
        ({}, False, "blocks"),
    ],
)
def test_nobody_is_asked_where_it_is_known_or_may_not_be(environ: dict[str, str], may_ask: bool, chosen: str) -> None:
    assert choose_graphics(environ, Telltale(), may_ask=may_ask) == (chosen, CELL_PIXELS)


def test_the_telltale_tells() -> None:
    with pytest.raises(AssertionError, match="asked"):
        choose_graphics({}, Telltale(), may_ask=True)


def test_what_is_no_terminal_is_not_asked() -> None:
    assert choose_graphics({}, io.StringIO(), may_ask=True) == ("blocks", CELL_PIXELS)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        assert choose_graphics({}, nowhere, may_ask=True) == ("blocks", CELL_PIXELS)


def test_from_the_background_nobody_is_asked(terminal: FakeTerminal) -> None:
    """The terminal is not this process's own: asking it would stop us."""
    with os.fdopen(os.dup(terminal.slave), "w") as file:
        assert choose_graphics({}, file, may_ask=True) == ("blocks", CELL_PIXELS)
    os.set_blocking(terminal.master, False)
    with pytest.raises(BlockingIOError):
        os.read(terminal.master, 1)


@pytest.mark.parametrize(
    ("said", "has_sixel", "cell"),
    [
        (b"\x1b[?62;4;22c", True, CELL_PIXELS),
        (b"\x1b[?64;22c", False, CELL_PIXELS),
        (b"\x1b[?4;22c", False, CELL_PIXELS),  # the first number is the kind of terminal
        (b"\x1b[6;17;9t\x1b[?62;4c", True, (9, 17)),
        (b"\x1b[6;0;9t\x1b[?62;4c", True, CELL_PIXELS),
        (b"\x1b[6;17;0t\x1b[?62;4c", True, CELL_PIXELS),
        (b"", False, CELL_PIXELS),
    ],
)
def test_an_answer_is_read_as_terminals_give_it(said: bytes, has_sixel: bool, cell: tuple[int, int]) -> None:
    """Attributes as in VT340's DA1, the cell's size as xterm's report 6: height, then width."""
    answer = _read_answer(said)
    assert (answer.has_sixel, answer.cell_pixels) == (has_sixel, cell)
