"""`dreamrig diagnose`: an error text, and facts where there are any, in; what it is and what to do out.

typer and rich are imported by the functions that need them.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from dreamrig import console
from dreamrig.command import run_one
from dreamrig.errors import EXIT_GOOD, EXIT_PROBLEM_FOUND, UsageError
from dreamrig.paths import given
from provision.diagnosis.board import UnknownBoard, find_board
from provision.diagnosis.cause import Knowledge
from provision.diagnosis.diagnose import diagnose as find_causes
from provision.diagnosis.intake import INPUT_LIMIT_BYTES, no_text, require_text
from provision.diagnosis.knowledge import load_firmware, load_knowledge
from provision.diagnosis.wheel_steps import fit_wheels
from provision.diagnosis.words import render
from provision.facts.facts import Facts, load_facts
from provision.show import print_lines

FLAGS = {"--json": "as_json", "--all": "show_all"}
FILE_OPTIONS = {"--file": "file", "-f": "file", "--facts": "facts"}
NEGATIVE_CODE = re.compile("-[0-9]{1,}")
"""-2143878910 is a code and no option."""


def standard_input() -> BinaryIO | None:
    """The bytes that are piped in; None at a terminal, or where standard input is closed."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    return sys.stdin.buffer


@dataclass(frozen=True, kw_only=True)
class DiagnosisDoor:
    """What the command takes from outside. Tests bring their own."""

    stdin: Callable[[], BinaryIO | None] = standard_input
    knowledge: Callable[[], Knowledge] = load_knowledge
    firmware: Callable[[], Mapping[str, Any]] = load_firmware


@dataclass(frozen=True)
class PlainWords:
    """A command line without anything that needs the parser of command lines."""

    words: tuple[str, ...]
    file: Path | None = None
    facts: Path | None = None
    as_json: bool = False
    show_all: bool = False


def read_plain(args: Sequence[str]) -> PlainWords | None:
    """The plain command line, as nearly all are; None for help, slips and rare forms, which typer reads.

    Importing typer takes longer than the diagnosis.
    """
    words: list[str] = []
    given: dict[str, Any] = {}
    left = list(args)
    while left:
        word = left.pop(0)
        if word in FLAGS:
            given[FLAGS[word]] = True
        elif word in FILE_OPTIONS and left and not left[0].startswith("-"):
            given[FILE_OPTIONS[word]] = Path(left.pop(0))
        elif word == "--":
            words += left
            break
        elif word.startswith("-") and word != "-" and not NEGATIVE_CODE.fullmatch(word):
            return None
        else:
            words.append(word)
    return PlainWords(tuple(words), **given)


def diagnose(args: list[str], door: DiagnosisDoor | None = None) -> int:
    """`dreamrig diagnose ...`; returns 0 where a cause was found, 3 where nothing is known about the text."""
    door = door or DiagnosisDoor()
    asked = read_plain(args)
    if asked is None:
        return _diagnose_with_typer(args, door)
    return run(asked, door)


def run(asked: PlainWords, door: DiagnosisDoor) -> int:
    """Read what there is to read, and answer."""
    known = None if asked.facts is None else load_facts(asked.facts)
    raw = read_text(asked.words, asked.file, door, needed=known is None)
    return answer(raw, known, door, as_json=asked.as_json, show_all=asked.show_all)


def _diagnose_with_typer(args: list[str], door: DiagnosisDoor) -> int:
    """The same with help, and with words for what is wrong with the command line."""
    import typer

    def command(
        text: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="TEXT|-", help='e.g. "Error: 0x80370102"; or a file; - reads what is piped.', show_default=False
            ),
        ] = None,
        file: Annotated[
            Path | None,
            typer.Option("--file", "-f", metavar="FILE", help="Read the text from here.", show_default=False),
        ] = None,
        facts: Annotated[
            Path | None,
            typer.Option("--facts", metavar="FILE", help="The document of dreamrig facts --json.", show_default=False),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
        show_all: Annotated[
            bool, typer.Option("--all", help="All causes with all steps, and those ruled out.")
        ] = False,
    ) -> int:
        """Say what an error means, and what to do about it.

        Paste anything: a line, a whole screen, a log in any encoding and language.
        """
        return run(PlainWords(tuple(text or ()), file, facts, as_json, show_all), door)

    words = [f" {word}" if NEGATIVE_CODE.fullmatch(word) else word for word in args]
    return run_one("diagnose", command, words)


def read_text(words: Sequence[str], file: Path | None, door: DiagnosisDoor, *, needed: bool) -> bytes | None:
    """The text to diagnose; None where there is none and facts are enough; UsageError where it is no text."""
    if file is not None and words:
        raise UsageError("There is a text on the command line and a --file as well.", hint="give one of them")
    if file is not None:
        data = read_file(file)
    elif words and list(words) != ["-"]:
        data = read_file(Path(words[0])) if is_file(words) else " ".join(words).encode("utf-8", "surrogateescape")
    elif words or needed:
        data = read_piped(door)
    else:
        return None
    require_text(data)
    return data


def is_file(words: Sequence[str]) -> bool:
    """Whether the text is nothing but the name of a file: no error says that, so the file is meant."""
    try:
        return len(words) == 1 and Path(words[0]).is_file()
    except OSError:  # longer than a name can be
        return False


def read_file(path: Path) -> bytes:
    """The content of a file, at most one byte more than may be; UsageError where it cannot be read."""
    try:
        with given(path, "--file").open("rb") as stream:
            return stream.read(INPUT_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", hint=f"see: ls -l {path}") from error


def read_piped(door: DiagnosisDoor) -> bytes:
    """Everything piped in, at most one byte more than may be."""
    stream = door.stdin()
    if stream is None:
        raise no_text()
    return stream.read(INPUT_LIMIT_BYTES + 1)


def answer(raw: bytes | None, facts: Facts | None, door: DiagnosisDoor, *, as_json: bool, show_all: bool) -> int:
    """Print the report; returns the exit code."""
    report = find_causes(raw, facts, door.knowledge())
    report = fit_wheels(report, report.told.get if facts is None else facts.get)
    if raw is not None and not report.has_text:
        raise no_text()  # nothing but colours and the like
    if as_json:
        console.print_json("diagnose", report.to_dict(), ok=report.found)
    else:
        firmware = door.firmware()
        board = (find_board(facts.get, firmware) if facts is not None else None) or UnknownBoard(firmware)
        lines = render(report, board, has_facts=facts is not None, show_all=show_all)
        print_lines(((line.text, line.style),) for line in lines)
    return EXIT_GOOD if report.found else EXIT_PROBLEM_FOUND
