"""The `dreamrig` command: what it imports, what it says, and how it ends."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dreamrig import __version__
from dreamrig.called import as_called
from dreamrig.cli import COMMANDS, main, to_rig_error
from dreamrig.commands import Command

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dreamrig"]

FAKE_COMMANDS = """
from dreamrig.errors import FailedError, NotReadyError

def words(args):
    print(args)
    return 3

def nothing(args):
    return None

def not_ready(args):
    print_nothing = None
    raise NotReadyError("The weights are missing.", hint="run: dreamrig weights")

def control(args):
    raise FailedError("Bad prompt: \\x1b[2Jgone\\x07")

def bug(args):
    return {}["key"]

def interrupted(args):
    raise KeyboardInterrupt

def memory(args):
    raise MemoryError

def group(args):
    import typer
    app = typer.Typer(add_completion=False, no_args_is_help=True)
    @app.command()
    def one() -> None: ...
    @app.command()
    def two() -> None: ...
    return app(args, prog_name="dreamrig group", standalone_mode=False)

def typed(args):
    import typer
    app = typer.Typer(add_completion=False)
    @app.command()
    def run(steps: int, width: int = 1, json: bool = False, size: int = typer.Option(8, min=8)) -> int:
        if width == 13:
            raise typer.BadParameter("13 brings bad luck.")
        if width == 14:
            raise typer.Abort
        if width == 15:
            raise typer.Exit(4)
        return 3
    return app(args, prog_name="dreamrig typed", standalone_mode=False)
"""


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Command]:
    """A table of commands that end in every way a command can end."""
    (tmp_path / "fake_commands.py").write_text(FAKE_COMMANDS)
    (tmp_path / "needs_a_package.py").write_text("import a_package_that_nobody_has")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fake_commands", raising=False)
    names = ("words", "nothing", "not_ready", "control", "bug", "interrupted", "memory", "typed", "group")
    table = {name: Command("fake_commands", name, f"help of {name}") for name in names}
    return {**table, "needy": Command("needs_a_package", "run", "")}


def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run([*COMMAND, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The one JSON document on standard output, after checking that nothing else was said anywhere."""
    captured = capsys.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out)
    assert list(found) == ["schema", "command", "ok", "data", "errors"]
    assert isinstance(found, dict)
    return found


# --- help and version


@pytest.mark.parametrize("words", [["help"], ["--help"], ["-h"]])
def test_help_lists_the_commands_that_exist(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    captured = capsys.readouterr()
    listed = [line.split()[0] for line in captured.out.splitlines() if line.startswith("  ") and line[2] not in " -C"]
    generating = ["generate", "again", "video", "history", "open", "rm", "prompts", "weights", "prove"]
    serving = ["serve", "crew", "submit", "queue", "cancel"]
    assert listed == [
        "doctor",
        "diagnose",
        "setting",
        "facts",
        *generating,
        "bench",
        "notebook",
        "colab",
        *serving,
        "where",
        "config",
        "complete",
    ]
    assert 'example: dreamrig generate "sunset over the sea"' in captured.out
    assert max(map(len, captured.out.splitlines())) <= 80
    assert captured.err == ""


@pytest.mark.parametrize("words", ["--help", "--version", "no-such-command"])
def test_front_door_loads_nothing_heavy(words: str) -> None:
    code = (
        "import sys\nfrom dreamrig.cli import main\nmain(sys.argv[1:])\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code, words], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.split())
    assert "dreamrig" in loaded
    assert not loaded & {"torch", "numpy", "PIL", "rich", "typer", "click", "platformdirs", "pydantic", "generator"}


def test_the_parser_of_flags_loads_no_second_library_of_types(tmp_path: Path) -> None:
    """pydantic, which typer loads from 0.29 on, takes longer than everything else that `dreamrig history` does."""
    ask = "main(['history'])\nprint('pydantic' in sys.modules, file=sys.stderr)"
    code = f"import sys\nfrom dreamrig.cli import main\n{ask}"
    environment = {**os.environ, "DREAMRIG_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stderr == "False\n"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"dreamrig {__version__}\n"


def test_module_and_command_are_the_same() -> None:
    ended = run("--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"dreamrig {__version__}\n", "")


# --- choosing a command


def test_words_and_exit_code_pass_through(fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["words", "a b", "--flag", "--", "--debug", "words"], fakes) == 3
    assert capsys.readouterr().out == "['a b', '--flag', '--', '--debug', 'words']\n"


def test_debug_and_json_are_understood_before_and_after_the_command(
    fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--json", "--debug", "words", "x"], fakes)
    main(["words", "--debug", "x", "--json"], fakes)
    assert capsys.readouterr().out == "['--json', 'x']\n['x', '--json']\n"


def test_command_that_returns_nothing_went_well(fakes: dict[str, Command]) -> None:
    assert main(["nothing"], fakes) == 0


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("genrate", "did you mean: dreamrig generate"),
        ("HISTORY", "did you mean: dreamrig history"),
        ("xyzzy", "see: dreamrig --help"),
        ("a red boat", 'to draw it, run: dreamrig generate "a red boat"'),
        ("--wdith", "see: dreamrig --help"),
    ],
)
def test_unknown_command_is_a_usage_error_with_a_way_out(
    word: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = captured.err.splitlines()
    assert first.startswith("error: ")
    assert word in first
    assert second == f"hint: {hint}"


def test_every_command_of_the_table_is_there() -> None:
    assert {command.module.partition(".")[0] for command in COMMANDS.values()} <= {
        "dreamrig",
        "bench",
        "generator",
        "provision",
    }


# --- how it ends when something goes wrong


def test_error_is_a_sentence_and_a_hint(fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["not_ready"], fakes) == 4
    captured = capsys.readouterr()
    assert captured.err == "error: The weights are missing.\nhint: run: dreamrig weights\n"
    assert captured.out == ""


def test_error_as_json(fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["not_ready", "--json"], fakes) == 4
    assert document(capsys) == {
        "schema": 1,
        "command": "not_ready",
        "ok": False,
        "data": None,
        "errors": [{"message": "The weights are missing.", "hint": "run: dreamrig weights", "exit_code": 4}],
    }


def test_json_behind_a_double_dash_is_a_word_of_the_prompt(
    fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["not_ready", "--", "--json"], fakes)
    assert capsys.readouterr().out == ""


def test_debug_shows_the_traceback_and_keeps_the_exit_code(
    fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["not_ready", "--debug"], fakes) == 4
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "in not_ready" in err


def test_bug_says_so_and_how_to_see_more(fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bug"], fakes) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert err.startswith("error: Unexpected KeyError: 'key'.\nhint: ")
    assert "--debug" in err


@pytest.mark.parametrize(("name", "code"), [("interrupted", 130), ("memory", 4)])
def test_interruption_and_lack_of_memory(
    name: str, code: int, fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name], fakes) == code
    assert capsys.readouterr().err.startswith("error: ")


def test_control_characters_of_a_prompt_do_not_reach_the_terminal(
    fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["control"], fakes)
    assert capsys.readouterr().err == "error: Bad prompt: \\x1b[2Jgone\\x07\n"


def test_missing_package_is_the_machines_fault(fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["needy"], fakes) == 4
    err = capsys.readouterr().err
    assert "a_package_that_nobody_has" in err
    assert "hint: " in err


# --- what the parser of options finds wrong


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["3", "--widht", "4"], "No such option: --widht", "did you mean --width? see: dreamrig typed --help"),
        (["3", "--nonsense"], "No such option: --nonsense", "see: dreamrig typed --help"),
        (["x"], "Invalid value for", "see: dreamrig typed --help"),
        ([], "Missing argument", "see: dreamrig typed --help"),
        (["3", "4"], "unexpected extra argument", "see: dreamrig typed --help"),
        (["3", "--size", "2"], "Invalid value for '--size'", "see: dreamrig typed --help"),
        (["3", "--width"], "requires an argument", "see: dreamrig typed --help"),
        (["3", "--width", "13"], "13 brings bad luck.", "see: dreamrig typed --help"),
    ],
)
def test_wrong_options_come_out_in_our_words(
    words: list[str], said: str, hint: str, fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["typed", *words], fakes) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = captured.err.splitlines()
    assert first.startswith("error: ")
    assert first.endswith(".")
    assert not first.endswith("..")
    assert said.lower() in first.lower()
    assert second == f"hint: {hint}"


def test_wrong_options_as_json(fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["typed", "3", "--nonsense", "--json"], fakes) == 2
    found = document(capsys)
    assert found["ok"] is False
    assert found["command"] == "typed"


def test_missing_subcommand_is_a_usage_error(fakes: dict[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["group"], fakes) == 2
    expected = "error: dreamrig group needs one more word.\nhint: see: dreamrig group --help\n"
    assert capsys.readouterr().err.endswith(expected)


@pytest.mark.parametrize(("width", "code"), [("1", 3), ("14", 130), ("15", 4)])
def test_endings_of_the_parser_become_exit_codes(width: str, code: int, fakes: dict[str, Command]) -> None:
    assert main(["typed", "3", "--width", width], fakes) == code


# --- streams that cannot be written


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """A shell line that may call `dreamrig`."""
    script = f'dreamrig() {{ "$PYTHON" -m dreamrig "$@"; }}; {script}'
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONUNBUFFERED": ""}
    return subprocess.run(
        ["sh", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_reader_that_has_gone_is_no_traceback() -> None:
    # The reader ends before the command starts to write: `exec` closes the pipe, then the file tells.
    ended = shell("{ sleep 0.3; dreamrig --help; echo code $? >&2; } | true")
    assert ended.stderr == "code 1\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["--help", "config show --json", "xyzzy --json"])
def test_answer_that_cannot_be_written_is_an_error(words: str) -> None:
    ended = shell(f"dreamrig {words} >/dev/full")
    assert ended.returncode == (2 if "xyzzy" in words else 4)
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_long_answer_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "long_answer.py").write_text("def run(args):\n    for _ in range(9):\n        print('x' * 5000)\n")
    (tmp_path / "start.py").write_text(
        "import sys\nfrom dreamrig.cli import Command, main\n"
        "sys.exit(main(['long'], {'long': Command('long_answer', 'run', '')}))\n"
    )
    ended = shell(f"PYTHONPATH='{ROOT}' '{sys.executable}' '{tmp_path}/start.py' >/dev/full")
    assert (ended.returncode, ended.stderr) == (4, "error: The disk is full.\nhint: see: df -h\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_talk_that_cannot_be_written_leaves_the_exit_code() -> None:
    assert shell("dreamrig xyzzy 2>/dev/full").returncode == 2


def test_closed_streams_are_survived() -> None:
    assert shell("dreamrig --help >&-").returncode == 0
    ended = shell("dreamrig xyzzy 2>&-")
    assert (ended.returncode, ended.stdout) == (2, "")


def test_threads_that_wait_sleep_unless_somebody_wants_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spinning ones made a picture ten times slower where another program held one of two cores."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    main(["--version"])
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    main(["--version"])
    assert os.environ["OMP_WAIT_POLICY"] == "active"


def test_a_terminal_that_cannot_write_a_character_gets_its_escape(tmp_path: Path) -> None:
    """One Japanese prompt in the history cost the whole list."""
    code = "import sys; from dreamrig import cli; from dreamrig.commands import Command\n"
    code += "module = sys.modules['japanese'] = type(sys)('japanese'); module.run = lambda words: print('夕日 ok')\n"
    code += "sys.exit(cli.main(['x'], {'x': Command('japanese', 'run', '')}))"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, rb"\u5915\u65e5 ok" + b"\n", b"")


@pytest.mark.parametrize("wrong", [errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EISDIR])
def test_a_path_that_cannot_be_used_is_no_bug(wrong: int) -> None:
    error = to_rig_error(OSError(wrong, os.strerror(wrong), "x" * 300))
    assert (error.exit_code, error.hint) == (2, "check the path")
    assert len(error.message) < 150


def test_alone_it_greets_with_three_things_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    tried = [line.split("  ")[1].split()[1] for line in told.splitlines() if line.startswith("  dreamrig ")]
    assert len(tried) == 3
    assert set(tried) <= set(COMMANDS)


def test_help_and_version_are_words_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"dreamrig {__version__}\n"
    assert main(["help", "where"]) == 0
    assert "folders of this program" in capsys.readouterr().out


def test_what_it_tells_to_type_is_what_the_user_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DREAMRIG_CALLED", "./rig")
    assert main(["histroy"]) == 2
    assert "did you mean: ./rig history" in capsys.readouterr().err
    monkeypatch.setenv("DREAMRIG_CALLED", "/home/me/my rig/rig")
    assert main(["histroy"]) == 2
    assert "did you mean: '/home/me/my rig/rig' history" in capsys.readouterr().err
    main([])
    assert "'/home/me/my rig/rig' prompts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run: dreamrig doctor", "run: ./rig doctor"),
        ("see: dreamrig --help", "see: ./rig --help"),
        ("written by dreamrig 0.1", "written by dreamrig 0.1"),
        ("/home/dreamrig generate", "/home/dreamrig generate"),
        ("dreamrig.toml", "dreamrig.toml"),
    ],
)
def test_only_commands_change_their_name(text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_CALLED", "./rig")
    assert as_called(text) == shown


def test_where_tells_every_folder_and_its_size(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path))
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "picture.png").write_bytes(bytes(1000))
    assert main(["where", "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)["data"]["places"]}
    assert (rows["runs"]["path"], rows["runs"]["bytes"]) == (str(tmp_path / "runs"), 1000)
    assert rows["weights"]["bytes"] is None
    assert rows["environment"]["path"] == sys.prefix
