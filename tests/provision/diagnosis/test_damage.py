"""Damage that terminals, encodings and pasting do never changes the first diagnosis of a text that carries a code."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.diagnosis.cause import Knowledge
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.diagnosis.reading import read_text

ROOT = Path(__file__).parents[3]
MODEST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXTS = (
    (
        "WslRegisterDistribution failed with error: 0x80370102\nError: 0x80370102 The virtual machine could "
        "not be started because a required feature is not installed."
    ),
    "Error code: Wsl/InstallDistro/Service/RegisterDistro/CreateVm/HCS/HCS_E_HYPERV_NOT_INSTALLED",
    "WslRegisterDistribution failed with error: 0x800701bc\nError: 0x800701bc WSL 2 requires an update to its kernel.",
    (
        "The service cannot be started, either because it is disabled or because it has no enabled devices associated "
        "with it.\nError code: Wsl/0x80070422"
    ),
    "Klasse nicht registriert\nFehlercode: Wsl/CallMsi/Install/REGDB_E_CLASSNOTREG",
    "无法解析服务器的名称或地址\n错误代码: Wsl/WININET_E_NAME_NOT_RESOLVED",
    (
        "El sistema no puede encontrar el archivo especificado.\nCódigo de error: Wsl/Service/CreateInstance/MountVhd/"
        "HCS/ERROR_FILE_NOT_FOUND"
    ),
    "仮想マシンを開始できませんでした。\nエラー コード: Wsl/Service/CreateInstance/CreateVm/0x800705aa",
    "Not enough memory resources are available.\nError code: Wsl/Service/CreateInstance/CreateVm/HCS/E_OUTOFMEMORY",
    'CUDA error at helper_cuda.h:777 code=35(cudaErrorInsufficientDriver) "cudaGetDeviceCount(&device_count)"',
)
COLOURS = ("\x1b[31m", "\x1b[0m", "\x1b[1;38;5;196m", "\x1b[2K", "\x1b]0;PowerShell\x07", "\x1b]8;;https://a.b\x1b\\")
FILLERS = (
    "PS C:\\Users\\me> dir",
    "Directory: C:\\Users\\me",
    "d----- 01/02/2026 10:11 Documents",
    "$ ls -la",
    "drwxr-xr-x 2 me me 4096 Jan 2 10:11 project",
    "",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore",
)


@pytest.fixture(scope="module")
def shipped() -> Knowledge:
    return load_knowledge()


def first(raw: str | bytes, knowledge: Knowledge) -> str | None:
    report = diagnose(raw, None, knowledge)
    return report.diagnoses[0].cause.slug if report.diagnoses else None


def test_the_texts_carry_codes_and_are_diagnosed(shipped: Knowledge) -> None:
    for text in TEXTS:
        reading = read_text(text, shipped)
        assert reading is not None
        assert reading.codes
        assert first(text, shipped) is not None
    assert len({first(text, shipped) for text in TEXTS}) >= 7


def wrap(text: str, width: int) -> str:
    """Lines broken at a column, as terminals do it: in the middle of words."""
    return "\n".join(line[at : at + width] for line in text.split("\n") for at in range(0, max(1, len(line)), width))


texts = st.sampled_from(TEXTS)


@MODEST
@given(text=texts, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]))
def test_encodings(text: str, encoding: str, shipped: Knowledge) -> None:
    assert first(text.replace("\n", "\r\n").encode(encoding), shipped) == first(text, shipped)


@MODEST
@given(text=texts, page=st.sampled_from(["cp437", "cp850", "cp1252", "latin-1", "ascii"]))
def test_mojibake_and_question_marks(text: str, page: str, shipped: Knowledge) -> None:
    assert first(text.encode("utf-8").decode(page, "replace"), shipped) == first(text, shipped)
    assert first(text.encode(page, "replace"), shipped) == first(text, shipped)


@MODEST
@given(text=texts, end=st.sampled_from(["\r\n", "\r\r\n", "\r", "\n\n", "   \n", "\n\t"]))
def test_line_ends(text: str, end: str, shipped: Knowledge) -> None:
    assert first(text.replace("\n", end) + end, shipped) == first(text, shipped)


@MODEST
@given(text=texts, marks=st.lists(st.tuples(st.integers(0, 200), st.sampled_from([*COLOURS, "\0"])), max_size=6))
def test_colours_and_nuls_anywhere(text: str, marks: list[tuple[int, str]], shipped: Knowledge) -> None:
    damaged = text
    for at, mark in sorted(marks, reverse=True):  # from the end, so that none lands inside another
        damaged = damaged[:at] + mark + damaged[at:]
    assert first(damaged, shipped) == first(text, shipped)


@MODEST
@given(text=texts, before=st.integers(0, 130), width=st.sampled_from([80, 80, 100, 120]))
def test_wrapped_by_a_terminal(text: str, before: int, width: int, shipped: Knowledge) -> None:
    text = "x" * before + " " + text
    assert first(wrap(text, width), shipped) == first(text, shipped)


@MODEST
@given(text=texts, before=st.integers(0, 60), width=st.integers(45, 200))
def test_wrapped_at_any_width(text: str, before: int, width: int, shipped: Knowledge) -> None:
    text = "x" * before + " " + text
    assert first(wrap(text, width), shipped) == first(text, shipped)


@MODEST
@given(
    text=texts,
    above=st.lists(st.sampled_from(FILLERS), max_size=30),
    below=st.lists(st.sampled_from(FILLERS), max_size=30),
)
def test_in_the_middle_of_a_scroll_back(text: str, above: list[str], below: list[str], shipped: Knowledge) -> None:
    assert first("\n".join([*above, text, *below]), shipped) == first(text, shipped)


def test_in_the_middle_of_a_megabyte(shipped: Knowledge) -> None:
    filler = "\n".join(f"{index}: Lorem ipsum dolor sit amet, consectetur adipiscing elit" for index in range(8000))
    for text in TEXTS:
        assert first(f"{filler}\n{text}\n{filler}", shipped) == first(text, shipped)


@MODEST
@given(
    text=texts,
    width=st.sampled_from([80, 120]),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-le"]),
    above=st.lists(st.sampled_from(FILLERS), min_size=1, max_size=10),
)
def test_everything_at_once(text: str, width: int, encoding: str, above: list[str], shipped: Knowledge) -> None:
    screen = wrap("\n".join([*above, text]), width).replace("\n", "\r\r\n")
    damaged = "".join(f"\x1b[3{index % 8}m{piece}\x1b[0m" for index, piece in enumerate(screen.split(" ")))
    damaged = damaged.replace("\x1b[0m", " \x1b[0m")
    assert first(damaged.encode(encoding), shipped) == first(text, shipped)


def test_the_reports_survive_80_columns(shipped: Knowledge) -> None:
    document = json.loads((ROOT / "tests" / "reports" / "corpus.json").read_text(encoding="utf-8"))
    for report in document["reports"]:
        reading = read_text(report["text"], shipped)
        if reading is not None and reading.codes:
            assert first(wrap(reading.text, 80), shipped) == first(reading.text, shipped), report["id"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=400) | st.text(max_size=400))
def test_random_input_never_crashes(raw: bytes | str, shipped: Knowledge) -> None:
    diagnose(raw, None, shipped).to_dict()
