"""The front door: a table name -> module, imported only when chosen; one place where errors become words.

`dreamrig --help` imports neither torch nor rich nor typer.
"""

import contextlib
import copy
import difflib
import errno
import os
import re
import sys
from collections.abc import Mapping, Sequence

from dreamrig import __version__, console
from dreamrig.called import as_called
from dreamrig.commands import Command, help_rows, load
from dreamrig.errors import (
    EXIT_FAILED,
    EXIT_GOOD,
    FailedError,
    InterruptedByUser,
    NotReadyError,
    RigError,
    UsageError,
    code_of,
)
from dreamrig.paths import LONGEST_SHOWN

COMMANDS: Mapping[str, Command] = {
    "doctor": Command(
        "provision.doctor.cli", "doctor", "is this machine ready for its GPU? the first broken link and its fix"
    ),
    "diagnose": Command("provision.diagnosis.cli", "diagnose", "paste an error of WSL or CUDA: its cause and its fix"),
    "setting": Command(
        "provision.diagnosis.setting_cli", "setting", "one key of wsl.conf or .wslconfig, with a way back"
    ),
    "facts": Command("provision.doctor.cli", "facts", "what the doctor knows about this machine"),
    "generate": Command("generator.front.cli.generate", "generate", "a sentence in, a picture and a timing report out"),
    "again": Command(
        "generator.front.cli.generate", "again", "repeat an earlier run, from its folder or from its picture"
    ),
    "video": Command(
        "generator.front.cli.video", "video", "time-lapse of a run, a film that flies, a video painted anew"
    ),
    "history": Command("generator.front.cli.lists", "history", "list the runs of this machine"),
    "open": Command("generator.front.cli.opening", "open_run", "open the picture of a run, the last one's by default"),
    "rm": Command("generator.front.cli.lists", "remove", "remove a run"),
    "prompts": Command("generator.front.cli.lists", "prompts", "prompts that are sure to work, to start with"),
    "weights": Command("generator.front.cli.weights", "weights", "the full-size networks: list, fetch, verify, import"),
    "prove": Command(
        "generator.front.cli.prove", "prove", "does this machine draw as it should? a file that proves it"
    ),
    "bench": Command("bench.cli.main", "bench", "how fast is this rig, against Colab and against what physics allows"),
    "notebook": Command("bench.colab.picture", "notebook", "the picture notebook as one file that carries dreamrig"),
    "colab": Command("bench.colab.cli", "colab", "the Colab page in your browser, on this machine's own card"),
    "serve": Command(
        "generator.serve.cli", "serve", "a page where friends type a prompt, wait their turn, get the picture"
    ),
    "crew": Command("generator.crew.cli", "crew", "several machines draw for one queue: start, join, check, leave"),
    "submit": Command("generator.serve.asking", "submit", "put a picture into the running server's line"),
    "queue": Command("generator.serve.asking", "show_queue", "the line of the running server"),
    "cancel": Command("generator.serve.asking", "cancel", "end a picture of the running server"),
    "where": Command("dreamrig.where", "where", "the folders of this program, with their sizes"),
    "config": Command("dreamrig.config", "config", "show what is set, and where it was set"),
    "complete": Command("dreamrig.complete", "complete", "the tab key of bash, zsh, fish or PowerShell"),
}

WRONG_PATH = frozenset((errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR))
"""What is wrong with a path that somebody gave, wherever it was first opened."""

GREETING = """\
dreamrig turns a sentence into a picture, on this machine. Three things to try:

  dreamrig generate "sunset over the sea"     a picture in about a minute
  dreamrig prompts                            sentences that are sure to work
  dreamrig doctor                             is the graphics card ready?

All commands: dreamrig --help"""


def main(argv: Sequence[str] | None = None, commands: Mapping[str, Command] = COMMANDS) -> int:
    """Run one command line; returns the exit code. Nothing but the answer reaches standard output.

    argv: the words after the program's name; those of the process where None.   commands: the table to choose from.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _never_fail_on_encoding()
    # Read by torch's thread library when it is loaded: waiting threads sleep. Where other programs hold a core they
    # would otherwise spin until it is free, and a picture takes minutes instead of seconds.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    options = _options(words)
    debug, as_json = "--debug" in options, "--json" in options
    try:
        code = _dispatch(_without_debug(words), commands)
        _flush_answer()
        return code
    except BrokenPipeError:  # the reader has gone (`dreamrig history | head`): nobody to tell
        _silence_broken_streams()
        return EXIT_FAILED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place that turns every error into words
        if debug:
            _print_traceback(error)
        name = _command_name(words)
        return _report(to_rig_error(error, name, debug=debug), name, as_json=as_json)


def _never_fail_on_encoding() -> None:
    """What a terminal's encoding cannot write is written as escapes: one prompt must not cost the whole list."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # a stream that is none, or is no text file
            if stream.errors == "strict":
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # not every TextIO has it


def _options(words: Sequence[str]) -> list[str]:
    """The words before a lone `--`: behind it everything is text, such as a prompt that reads like a flag."""
    words = list(words)
    return words[: words.index("--")] if "--" in words else words


def _without_debug(words: list[str]) -> list[str]:
    """`--debug` is understood here for every command, so that none has to declare it."""
    options = _options(words)
    return [word for word in options if word != "--debug"] + words[len(options) :]


def _command_name(words: Sequence[str]) -> str | None:
    """The first word that is no flag, None where there is none."""
    return next((word for word in _options(words) if not word.startswith("-")), None)


def _dispatch(words: list[str], commands: Mapping[str, Command]) -> int:
    if not words:
        print(as_called(GREETING))
        return EXIT_GOOD
    if words[0] == "help" and len(words) > 1 and words[1] in commands:
        words = [words[1], "--help"]
    if words[0] in ("-h", "--help") or words == ["help"]:
        print(as_called(render_help(commands)))
        return EXIT_GOOD
    if words[0] in ("-V", "--version") or words == ["version"]:
        print(f"dreamrig {__version__}")
        return EXIT_GOOD
    name = _command_name(words)
    if name is None or name not in commands:
        raise _unknown(name, words, commands)
    rest = list(words)
    rest.remove(name)  # flags before the command's name (`dreamrig --json history`) are the command's
    options = _options(rest)
    if "-h" not in options and "--help" not in options:
        return load(commands[name])(rest) or EXIT_GOOD
    from dreamrig.help import run_with_help

    return run_with_help(load(commands[name]), name, rest, options)


def _unknown(name: str | None, words: Sequence[str], commands: Mapping[str, Command]) -> UsageError:
    """The error for a command line that names no command we have."""
    if name is None:
        return UsageError(f"There is no option {words[0]} without a command.", hint="see: dreamrig --help")
    if " " in name.strip():
        return UsageError(f"{name!r} is not a command.", hint=f'to draw it, run: dreamrig generate "{name}"')
    near = difflib.get_close_matches(name.lower(), commands, n=1)
    if near:
        return UsageError(f"There is no command {name!r}.", hint=f"did you mean: dreamrig {near[0]}")
    return UsageError(f"There is no command {name!r}.", hint="see: dreamrig --help")


def render_help(commands: Mapping[str, Command] = COMMANDS) -> str:
    """The text of `dreamrig --help`."""
    return "\n".join(
        [
            "dreamrig: a sentence in, a picture out (VQGAN+CLIP on your own machine)",
            "",
            "usage: dreamrig COMMAND [options]",
            "",
            *help_rows(commands),
            "",
            'example: dreamrig generate "sunset over the sea"',
            "",
            "  COMMAND -h      its options and examples; --help: all of them",
            "  --json          one JSON document on standard output, for programs",
            "  --debug         show the traceback of an error",
            "  --version       print the version",
        ]
    )


def to_rig_error(error: BaseException, command: str | None = None, *, debug: bool = False) -> RigError:
    """Any exception, raised by `command`, as the error that the user sees."""
    if isinstance(error, RigError):
        return error
    if isinstance(error, KeyboardInterrupt) or _is_abort(error):
        return InterruptedByUser("Interrupted.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NotReadyError("The disk is full.", hint="see: df -h", code="disk_full")
    if isinstance(error, OSError) and error.errno in WRONG_PATH and error.filename is not None:
        return UsageError(f"Cannot use {_shown(error.filename)}: {error.strerror}.", hint="check the path")
    if isinstance(error, MemoryError):
        return NotReadyError(
            "This machine has too little free memory for that.",
            hint="try a smaller --width and --height",
            code="out_of_memory",
        )
    if (usage := _from_command_line_parser(error, command)) is not None:
        return usage
    hint = "" if debug else "this is a bug in dreamrig; run the same command with --debug to see where"
    return FailedError(f"Unexpected {type(error).__name__}: {error}".rstrip(": ") + ".", hint=hint, code=code_of(error))


def _shown(file_name: object) -> str:
    text = os.fsdecode(file_name) if isinstance(file_name, str | bytes | os.PathLike) else str(file_name)
    return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…")


def _is_abort(error: BaseException) -> bool:
    """Whether this is the parser's Abort (Ctrl-C or end of input at a question), without importing the parser."""
    typer = sys.modules.get("typer")
    return typer is not None and isinstance(error, typer.Abort)


def _from_command_line_parser(error: BaseException, name: str | None) -> RigError | None:
    """A usage error of typer in our words, None for any other exception.

    Known by its shape, not its class: typer carries its own copy of click or uses the installed one, by version.
    """
    describe = getattr(error, "format_message", None)
    if not callable(describe) or not hasattr(error, "exit_code"):
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context else f"dreamrig {name or ''}".rstrip()
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the whole help text, or nothing
        return UsageError(f"{command} needs one more word.", hint=f"see: {command} --help")
    # The parser's own guesses are generous: it takes --json for a slip of --nonsense.
    wrong = str(getattr(error, "option_name", ""))
    near = difflib.get_close_matches(wrong, getattr(error, "possibilities", None) or (), n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}? see: {command} --help" if near else f"see: {command} --help"
    # The parser ends some messages with its own guess, in words that change by version; ours stands in the hint.
    message = re.split(r" \(?(?:Did you mean|Possible options)", str(describe()))[0].strip().rstrip(".")
    return UsageError(f"{message}.", hint=hint)


def _report(error: RigError, command: str | None, *, as_json: bool) -> int:
    """Say what went wrong, on standard error or in the JSON document; returns the exit code."""
    try:
        if as_json:
            console.print_json(command, None, ok=False, errors=[error])
            _flush_answer()
        else:
            console.print_error(_as_called(error))
    except (OSError, RigError):  # the stream cannot be written: the exit code is all that is left
        pass
    finally:
        _silence_broken_streams()
    return error.exit_code


def _as_called(error: RigError) -> RigError:
    """The error with its commands as this user can type them."""
    shown = copy.copy(error)
    shown.message, shown.hint = as_called(error.message), as_called(error.hint)
    return shown


def _print_traceback(error: BaseException) -> None:
    import traceback

    with contextlib.suppress(OSError):
        traceback.print_exception(error)


def _flush_answer() -> None:
    """Push the answer out while errors can still be told; at interpreter exit they would only make noise."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _silence_broken_streams()
        raise NotReadyError(
            f"Cannot write the answer to standard output: {error.strerror}.", hint="is the disk full? see: df -h"
        ) from error


def _silence_broken_streams() -> None:
    """Point a stream that cannot be written at nothing, or Python complains about it again when it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
