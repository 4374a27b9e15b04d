"""Standard error while something runs: nobody writes over anybody."""

import io

from rich.console import Console

from dreamrig.screen import Bar, Screen


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def make_screen(file: io.StringIO, width: int = 100) -> Screen:
    return Screen(Console(file=file, width=width, highlight=False, _environ={"TERM": "xterm-256color"}))


def test_what_is_said_while_the_screen_is_busy_waits_for_its_turn() -> None:
    file = io.StringIO()
    screen = make_screen(file)
    with screen.turn():
        screen.say("from a signal handler")
        assert file.getvalue() == ""
    assert file.getvalue() == "from a signal handler\n"


def test_control_characters_do_not_reach_the_terminal() -> None:
    file = io.StringIO()
    make_screen(file).say("red \x1b[31m and bell \x07")
    assert file.getvalue() == "red \\x1b[31m and bell \\x07\n"


def test_a_bar_shows_count_and_words_and_gives_the_cursor_back() -> None:
    file = Terminal()
    bar = Bar(make_screen(file), 50, "frames")
    bar.show(1, 3, "1.00 it/s")
    bar.show(3, 3, "2.00 it/s")
    bar.close()
    bar.close()
    shown = file.getvalue()
    assert "frames" in shown
    assert "3/3" in shown.split("\r")[-1]
    assert "2.00 it/s" in shown
    assert shown.endswith("\x1b[?25h")


def test_off_a_terminal_nothing_can_be_redrawn() -> None:
    assert make_screen(Terminal()).is_terminal
    assert not make_screen(io.StringIO()).is_terminal


def test_lines_below_a_reserved_place_are_counted_as_they_wrap() -> None:
    screen = make_screen(Terminal(), width=20)
    screen.reserve(3)
    screen.say("a" * 30)
    screen.say("b")
    assert screen.lines_since_mark == 3
