"""`dreamrig diagnose` as people call it: what goes in, what comes out, on which stream, with which exit code."""

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pytest

from dreamrig.cli import main
from dreamrig.commands import Command
from dreamrig.errors import UsageError
from provision.diagnosis import cli as diagnose_cli
from provision.diagnosis.board import COMMON_MAKERS, Board, UnknownBoard, find_board
from provision.diagnosis.cause import Knowledge
from provision.diagnosis.cli import DiagnosisDoor
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_firmware, load_knowledge, parse_knowledge
from provision.diagnosis.words import COLUMNS, render, tell_value

SHIPPED = {"diagnose": Command("provision.diagnosis.cli", "diagnose", "what an error means")}
LINE = "WslRegisterDistribution failed with error: 0x80370102"
VMP = "windows.features.virtual_machine_platform"
FIRMWARE = {
    "schema": 1,
    "makers": [
        {
            "match": ["asus", "asustek"],
            "maker": "ASUS",
            "keys": ["Del", "F2"],
            "amd": {"path": "Advanced > CPU Configuration", "setting": "SVM Mode"},
            "intel": {"path": "Advanced > CPU", "setting": "Intel Virtualization Technology"},
            "nx": {"path": "Security", "setting": "NX Mode"},
            "notes": "F7 shows the whole menu.",
        },
        {"match": ["hp"], "maker": "HP", "keys": ["F10"]},
    ],
    "generic": {},
}


def step(text: str, where: str = "windows", **more: Any) -> dict[str, Any]:
    plain = {"command": None, "needs_admin": False, "needs_restart": False, "risk": None, "undo": None}
    return {"text": text, "where": where, **plain, **more}


def cause(slug: str, title: str, fix: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    code = {"hex": "0x80370102", "name": "HCS_E_HYPERV_NOT_INSTALLED", "weight": more.pop("weight", 0.5)}
    plain = {
        "explanation": f"{title}: an example.",
        "effect": "blocks",
        "prior": 0.5,
        "decisive": True,
        "codes": [code],
    }
    return {"slug": slug, "title": title, "fix": fix, **plain, **more}


KNOWLEDGE = parse_knowledge(
    {
        "schema": 1,
        "version": "1",
        "causes": [
            cause(
                "firmware-off",
                "The switch is off",
                [
                    step("Go to the firmware.", command="shutdown /r /fw /t 0", needs_admin=True, needs_restart=True),
                    step("Turn it on.", "firmware", risk="BitLocker may ask for its key.", undo="Turn it off."),
                ],
                when={"fact": "windows.firmware_virtualization", "is": False},
                prior=0.9,
            ),
            cause(
                "feature-off",
                "The feature is off",
                [step("Enable it.", undo="dism /x")],
                when={"fact": VMP, "is": "disabled"},
            ),
            *(cause(f"rare-{index}", f"Rarely {index}", [step("Try.")], weight=0.1) for index in range(4)),
            cause(
                "noise", "It is noise", [], codes=[], effect="harmless", signatures=[{"regex": "noise", "weight": 0.9}]
            ),
        ],
        "queries": [
            {
                "id": "feature",
                "facts": [VMP],
                "command": "dism /online /get-featureinfo /featurename:VirtualMachinePlatform /english",
                "where": "windows",
                "needs_admin": True,
                "reading": "State : Enabled",
            }
        ],
    }
)


class Answer(NamedTuple):
    code: int
    out: str


Run = Callable[..., Answer]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*args: str, stdin: bytes | None = None) -> Answer:
        stream: BinaryIO | None = None if stdin is None else io.BytesIO(stdin)
        door = DiagnosisDoor(stdin=lambda: stream, knowledge=lambda: KNOWLEDGE, firmware=lambda: FIRMWARE)
        code = diagnose_cli.diagnose(list(args), door)
        return Answer(code, capsys.readouterr().out)

    return call


def write_facts(folder: Path, **windows: Any) -> str:
    file = folder / "facts.json"
    file.write_text(json.dumps({"schema": 1, "place": "windows", "windows": windows}), encoding="utf-8")
    return str(file)


# ---- what goes in --------------------------------------------------------------------------------------------------


def test_text_on_the_command_line_in_one_word_or_in_many(run: Run) -> None:
    assert run(LINE) == run(*LINE.split())
    assert run(LINE).code == 0


@pytest.mark.parametrize("args", [[], ["-"]])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_piped_text_with_and_without_a_dash(run: Run, args: list[str], encoding: str) -> None:
    assert run(*args, stdin=LINE.encode(encoding)) == run(LINE)


def test_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_bytes(f"first\r\n{LINE}\r\n".encode("utf-16"))
    assert run("--file", str(file)) == run(LINE)


def test_the_name_of_a_file_means_what_is_in_it(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_bytes(LINE.encode("utf-16"))
    assert run(str(log)) == run(LINE)
    assert run(str(log), "0x80370102") == run(f"{log} 0x80370102")
    assert run(f"{LINE} {'and more ' * 600}").code == 0


def test_a_negative_number_is_a_code_and_no_option(run: Run) -> None:
    assert run("-2143878910").code == 0


@pytest.mark.parametrize(
    ("args", "stdin", "message"),
    [
        ([], None, "no text"),
        (["-"], None, "no text"),
        ([], b"", "no text"),
        ([""], None, "no text"),
        (["-"], b"\r\n\0\0", "no text"),
        ([], b"\x1b[0m\x1b[31m", "no text"),
        (["-"], bytes(range(256)), "binary"),
        (["text", "--file", "x"], None, "a --file as well"),
        (["--file", "/does/not/exist"], None, "Cannot read /does/not/exist"),
        (["--file", "/"], None, "Cannot read /"),
        (["--facts", "/does/not/exist"], None, "Cannot read /does/not/exist"),
    ],
)
def test_bad_input_is_refused_with_a_hint(run: Run, args: list[str], stdin: bytes | None, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        run(*args, stdin=stdin)
    assert error.value.exit_code == 2
    assert error.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"[]", "holds no JSON object"),
        (b'{"schema": 1, "place": "windows", "windows": {"build": "x"}}', "windows.build"),
        (b'{"schema": 2, "place": "windows"}', "schema"),
    ],
)
def test_bad_facts_are_named(run: Run, tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "facts.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message) as error:
        run(LINE, "--facts", str(file))
    assert str(file) in error.value.message


# ---- what comes out ------------------------------------------------------------------------------------------------


def test_human_answer(run: Run) -> None:
    assert run(LINE).out.splitlines() == [
        "1. POSSIBLE: The switch is off",
        "   (firmware-off)",
        "   The switch is off: an example.",
        '   because the text says "WslRegisterDistribution failed with error: 0x80370102"',
        "    1. Go to the firmware. [on Windows, as administrator, then restart]",
        "           shutdown /r /fw /t 0",
        "    2. Turn it on. [in the firmware set-up]",
        "       * ASUS: Del or F2 at power-on; Advanced > CPU > Intel Virtualization",
        "         Technology (Intel) or Advanced > CPU Configuration > SVM Mode (AMD).",
        "       * dreamrig doctor names the key and the menu of your own board, where its",
        "         maker is known.",
        "       careful: BitLocker may ask for its key.",
        "       to undo: Turn it off.",
        "",
        "2. POSSIBLE: The feature is off",
        "   (feature-off)",
        "   The feature is off: an example.",
        '   because the text says "WslRegisterDistribution failed with error: 0x80370102"',
        "    1. Enable it. [on Windows]",
        "       to undo: dism /x",
        "",
        "3. POSSIBLE: Rarely 0",
        "   (rare-0)",
        "   Rarely 0: an example.",
        '   because the text says "WslRegisterDistribution failed with error: 0x80370102"',
        "    1. Try. [on Windows]",
        "",
        "Also possible:",
        "   - Rarely 1 (rare-1)",
        "   - Rarely 2 (rare-2)",
        "   - Rarely 3 (rare-3)",
        "",
        "To tell what it is, run this next, on Windows as administrator:",
        "    dism /online /get-featureinfo /featurename:VirtualMachinePlatform /english",
        "and look for: State : Enabled",
        "",
        "`dreamrig doctor` looks at Windows, WSL, the GPU and PyTorch by itself.",
    ]


def test_facts_confirm_and_rule_out_and_name_the_board(run: Run, tmp_path: Path) -> None:
    facts = write_facts(
        tmp_path,
        firmware_virtualization=False,
        features={"virtual_machine_platform": "enabled"},
        board_manufacturer="ASUSTeK COMPUTER INC.",
        cpu_vendor="amd",
    )
    out = run(LINE, "--facts", facts).out
    assert "1. CONFIRMED: The switch is off\n" in out
    assert "   because windows.firmware_virtualization is false\n" in out
    assert "       * ASUS: press Del or F2 at power-on.\n" in out
    assert "       * AMD: Advanced > CPU Configuration > SVM Mode: Enabled.\n" in out
    assert "Intel" not in out
    assert "Ruled out by the facts: 1 (--all shows them).\n" in out
    assert "doctor" not in out
    told = run(LINE, "--facts", facts, "--all").out
    assert (
        "   - The feature is off (feature-off)\n     because windows.features.virtual_machine_platform is enabled\n"
        in told
    )
    assert told.count("    1. ") == 5


def test_what_facts_alone_show_is_told_aside(run: Run, tmp_path: Path) -> None:
    out = run("some noise", "--facts", write_facts(tmp_path, firmware_virtualization=False)).out
    aside = "The text does not say so, but the facts do:\n   - The switch is off (firmware-off)\n     because "
    assert "1. LIKELY: It is noise\n" in out
    assert aside + "windows.firmware_virtualization is false\n" in out


def test_facts_alone_are_enough(run: Run, tmp_path: Path) -> None:
    assert run("--facts", write_facts(tmp_path, firmware_virtualization=False)).code == 0
    healthy = run("--facts", write_facts(tmp_path, firmware_virtualization=True))
    assert healthy.code == 3


def test_a_text_that_nobody_knows(run: Run) -> None:
    answer = run("Error: 0x80011234 boom")
    assert answer.code == 3
    assert "No cause in the knowledge base fits." in answer.out
    assert "0x80011234: A failure (HRESULT), facility RPC, code 4660. It is not in the" in answer.out


@pytest.mark.parametrize(
    ("text", "subject", "line"),
    [
        (
            "first\nWarpError: the drive failed to engage\nTraceback",
            "Python and its packages",
            "WarpError: the drive failed",
        ),
        ("CUDA thing\nstrange failure 7 of the GPU", "the GPU, its driver or CUDA", "strange failure 7 of the GPU"),
        ("wsl.exe did something invalid", "WSL", "wsl.exe did something invalid"),
        ("docker: refused to dance", "containers", "docker: refused to dance"),
    ],
)
def test_what_no_cause_fits_is_named_with_its_line_and_something_to_try(
    run: Run, text: str, subject: str, line: str
) -> None:
    answer = run(text)
    assert answer.code == 3
    told = " ".join(answer.out.split())
    assert f'It is about {subject}; the line that matters is: "{line}' in told
    assert "To try: " in told


def test_what_is_no_error_is_called_none(run: Run) -> None:
    assert "Nothing in this text looks like an error." in run("hello").out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Tried to allocate 128.00 MiB (GPU 0; 11 GiB total; 15.75 MiB free)",
            "128 MiB, and 16 MiB were free: 112 MiB",
        ),
        (
            "Tried to allocate 1.50 GiB (GPU 0; 0 bytes free; 10 GiB reserved)",
            "1536 MiB, and 0 MiB were free: 1536 MiB",
        ),
        ("Tried to allocate 64.00 MiB. GPU 0 has 15 GiB of which 82.88 MiB is free.", "fragments of free memory"),
        ("Tried to allocate 64.00 MiB.", "64 MiB more than there was room for"),
    ],
)
def test_a_shortage_is_told_in_mebibytes(text: str, told: str) -> None:
    report = diagnose(f"CUDA out of memory. {text}", None, load_knowledge())
    lines = " ".join(" ".join(line.text for line in render(report, None, has_facts=False)).split())
    assert told in lines


def test_what_is_ruled_out_is_not_found(run: Run, tmp_path: Path) -> None:
    knowledge = parse_knowledge(
        {"schema": 1, "version": "1", "causes": [cause("one", "One", [], when={"fact": VMP, "is": "disabled"})]}
    )
    facts = write_facts(tmp_path, features={"virtual_machine_platform": "enabled"})
    assert (
        diagnose_cli.diagnose(
            [LINE, "--facts", facts], DiagnosisDoor(knowledge=lambda: knowledge, firmware=lambda: FIRMWARE)
        )
        == 3
    )


def test_a_harmless_message_needs_no_fix(run: Run) -> None:
    assert "   Nothing needs fixing.\n" in run("some noise").out


def test_json_is_one_document(run: Run, tmp_path: Path) -> None:
    answer = run(LINE, "--json", "--facts", write_facts(tmp_path, firmware_virtualization=False))
    document = json.loads(answer.out)
    assert answer.code == 0
    assert set(document) == {"schema", "command", "ok", "data", "errors"}
    assert (document["command"], document["ok"]) == ("diagnose", True)
    data = document["data"]
    first = data["diagnoses"][0]
    assert (first["cause"], first["verdict"]) == ("firmware-off", "confirmed")
    assert first["evidence"][1] == {"kind": "fact", "fact": "windows.firmware_virtualization", "value": False}
    assert first["fix"][0]["command"] == "shutdown /r /fw /t 0"
    assert data["next_query"] is None
    assert data["codes"][0]["in_knowledge_base"] is True


def test_json_of_an_unknown_text(run: Run) -> None:
    answer = run("--json", "boom")
    document = json.loads(answer.out)
    assert (answer.code, document["ok"], document["data"]["diagnoses"]) == (3, False, [])
    assert document["data"]["next_query"] is None


def test_every_line_but_commands_fits_80_columns() -> None:
    for show_all in (False, True):
        for text in (LINE, "a " * 300 + LINE, "boom 0x80011234"):
            for line in render(diagnose(text, None, KNOWLEDGE), None, has_facts=False, show_all=show_all):
                assert len(line.text) <= COLUMNS or line.text.startswith("    ")


def test_control_characters_and_other_alphabets_are_printed_safely() -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with contextlib.redirect_stdout(screen):
        assert diagnose_cli.diagnose([f"无法 \x07{LINE}"], DiagnosisDoor(knowledge=lambda: KNOWLEDGE)) == 0
    screen.seek(0)
    out = screen.read()
    assert r"\u65e0\u6cd5 WslRegisterDistribution" in out
    assert "\x07" not in out


# ---- through the front door, with the shipped knowledge ------------------------------------------------------------


def test_the_front_door(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", LINE], SHIPPED) == 0
    assert "hypervisor" in capsys.readouterr().out
    assert main(["diagnose", "", "--json"], SHIPPED) == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["message"] == "There is no text to diagnose."
    assert main(["diagnose", "boom", "--nonsense"], SHIPPED) == 2
    assert "--nonsense" in capsys.readouterr().err


def test_help_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "--help"], SHIPPED) == 0
    out = capsys.readouterr().out
    for flag in ("--file", "--facts", "--json", "--all"):
        assert flag in out


# ---- boards --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "maker"),
    [
        ({"windows.board_manufacturer": "ASUSTeK COMPUTER INC."}, "ASUS"),
        ({"windows.computer_manufacturer": "HP", "windows.computer_model": "HP ENVY"}, "HP"),
        ({"windows.board_manufacturer": "Chphop"}, None),
        ({}, None),
    ],
)
def test_the_users_own_board(facts: Mapping[str, Any], maker: str | None) -> None:
    board = find_board(facts.get, FIRMWARE)
    assert (board.maker if board else None) == maker


def test_the_shipped_boards_can_all_be_told() -> None:
    firmware = load_firmware()
    for entry in firmware["makers"]:
        board = find_board({"windows.board_manufacturer": entry["match"][0]}.get, firmware)
        assert board is not None
        assert board.maker == entry["maker"]
        assert len(board.lines()) >= 2
        assert board.lines(no_execute=True)


def test_a_board_without_a_known_processor_shows_both_menus() -> None:
    entry = FIRMWARE["makers"][0]  # type: ignore[index]  # the shape is known here
    assert Board("ASUS", entry, None).lines() == [
        "ASUS: press Del or F2 at power-on.",
        "Intel: Advanced > CPU > Intel Virtualization Technology: Enabled.",
        "AMD: Advanced > CPU Configuration > SVM Mode: Enabled.",
        "F7 shows the whole menu.",
    ]
    assert Board("ASUS", entry, "amd").lines(no_execute=True)[1] == "Security > NX Mode: Enabled."


def test_where_nobody_said_whose_board_it_is_the_commonest_makers_are_told() -> None:
    for no_execute in (False, True):
        *makers, doctor = UnknownBoard(load_firmware()).lines(no_execute=no_execute)
        assert [line.split(":")[0] for line in makers] == list(COMMON_MAKERS)
        assert all(" at power-on; " in line and " > " in line for line in makers)
        assert "dreamrig doctor" in doctor
    entry = {**FIRMWARE["makers"][0], "intel": {"path": "Advanced > CPU Configuration (or Chipset)", "setting": "VT"}}  # type: ignore[index]
    assert UnknownBoard({"makers": [entry]}).lines()[0] == (
        "ASUS: Del or F2 at power-on; Advanced > CPU Configuration > VT (Intel) or SVM Mode (AMD)."
    )


@pytest.mark.parametrize(
    ("value", "words"), [(True, "true"), (False, "false"), ([], "empty"), ("", "empty"), (["a", 1], "a, 1"), (0, "0")]
)
def test_values_in_words(value: Any, words: str) -> None:
    assert tell_value(value) == words


def test_the_knowledge_is_used_as_it_is(run: Run) -> None:
    assert isinstance(KNOWLEDGE, Knowledge)
    assert len(json.loads(run("--json", LINE).out)["data"]["diagnoses"]) == 6
