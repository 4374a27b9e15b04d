"""Any text that people paste becomes plain: encodings, line ends, colours, wraps; then the codes in it are found."""

import base64
import random
import re
import warnings
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamrig.errors import UsageError
from provision.diagnosis.intake import (
    BIG_CHARACTERS,
    INPUT_LIMIT_BYTES,
    LONG_CHARACTERS,
    is_binary,
    require_text,
    shorten,
    take_in,
)
from provision.diagnosis.literals import required_literals
from provision.diagnosis.text import decode, extract, guess_encoding, normalise, wsl_paths
from provision.diagnosis.wraps import columns, rejoin

HANG_SECONDS = 20
"""Far more than a megabyte needs, and far less than a square of its length."""
NAMES = frozenset({"HCS_E_HYPERV_NOT_INSTALLED", "E_UNEXPECTED"})
GERMAN = "Die Klasse ist nicht registriert.\r\nFehlercode: Wsl/CallMsi/REGDB_E_CLASSNOTREG\r\n"
CHINESE = "无法解析服务器的名称或地址\r\n错误代码: Wsl/WININET_E_NAME_NOT_RESOLVED\r\n"
HEBREW = "שגיאה 0x80370102\r\n"


# ---- encodings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [GERMAN, CHINESE, HEBREW, "Erreur\u00a0: é à ü 0x80370102\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_unicode_encoding_gives_the_same_text(text: str, encoding: str) -> None:
    assert normalise(text.encode(encoding)) == normalise(text)


@pytest.mark.parametrize(("wide", "encoding"), [(1, "utf-8"), (2, "utf-16-le"), (3, "utf-16-le")])
def test_two_of_a_hundred_pairs_that_look_wide_are_enough_where_nothing_looks_narrow(wide: int, encoding: str) -> None:
    assert guess_encoding(b"\xe9\xe9" * (100 - wide) + b"a\0" * wide) == encoding
    assert guess_encoding(b"\xe9\xe9" * (100 - wide) + b"\0a" * wide) == encoding.replace("le", "be")


def test_utf_16_is_told_from_utf_8_with_a_piece_of_utf_16_in_it() -> None:
    mixed = b"PS C:\\> cat log\r\n" * 20 + "Error code: 0x1bc\r\n".encode("utf-16-le")
    assert guess_encoding(mixed) == "utf-8"
    assert normalise(mixed).endswith("Error code: 0x1bc")


def test_utf_16_with_much_utf_8_behind_it_is_not_read_as_chinese() -> None:
    mixed = GERMAN.encode("utf-16-le") * 300 + b"ls: cannot access 'x': No such file\n" * 300
    assert "No such file" in normalise(mixed)
    assert "REGDB_E_CLASSNOTREG" in normalise(mixed)


def test_bytes_of_an_old_code_page_keep_their_ascii() -> None:
    assert normalise("Máquina 0x80370102 característica".encode("cp850")).split()[1] == "0x80370102"
    assert "0x800706d9" in normalise("错误 0x800706d9 终结点".encode("gbk"))


def test_a_bom_is_not_part_of_the_text() -> None:
    assert decode(b"\xef\xbb\xbfabc") == "abc"
    assert decode("abc".encode("utf-16")) == "abc"


def test_nuls_shown_as_spaces_are_closed_up() -> None:
    assert normalise("E r r o r   c o d e :   0 x 1 b c ") == "Error code: 0x1bc"
    assert normalise("a b c d: single letters, but not so many") == "a b c d: single letters, but not so many"


# ---- characters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("a\r\r\nb\r\nc\rd\ne", "a\nb\nc\nd\ne"),
        ("a\t \t b", "a b"),
        ("\x1b[31;1mred\x1b[0m \x1b[2Kline", "red line"),
        ("\x1b[38;2;1;2;3mtrue\x1b[m colour", "true colour"),
        ("virtual\x1b[1Cmachine", "virtual machine"),
        ("\x1b]0;title\x07text\x1b]8;;https://a.b\x1b\\link\x1b]8;;\x1b\\", "textlink"),
        ("\x1b]0;never ended", "]0;never ended"),
        ("\x1b(Bplain\x1b=", "plain"),
        ("←[31mold console←[0m ^[[1mcat -v^[[0m", "old console cat -v"),
        ("[31mlost escape[0m but [5m] stays", "lost escape but [5m] stays"),
        ("０ｘ８０３７０１０２：（Ａ）", "0x80370102:(A)"),
        ("Code d'erreur\u00a0: x\u202fy", "Code d'erreur : x y"),
        ("zero\u200bwidth\ufeff so\xadft", "zerowidth soft"),
        ("bell\x07 back\x08space", "bell backspace"),
        ("one\u2028two\x0cthree", "one\ntwo\nthree"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("\n\n  text  \n\n", "text"),
        ("e\u0301te\u0301", "été"),
    ],
)
def test_characters(raw: str, plain: str) -> None:
    assert normalise(raw) == plain


def test_windows_paths_are_left_alone() -> None:
    assert normalise(r"C:\new\table\x01\r.txt") == r"C:\new\table\x01\r.txt"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_input_becomes_plain_text(raw: bytes | str) -> None:
    plain = normalise(raw)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]|  ", plain)
    plain.encode()  # no lone surrogates


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="aé０ \n\t0x8", max_size=120))
def test_plain_text_stays_as_it_is(raw: str) -> None:
    once = normalise(raw)
    assert normalise(once) == once


# ---- wraps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "joined"),
    [
        ("Error: 0x8037\n0102 The", "Error: 0x80370102 The"),
        ("Error: 0\nx80370102", "Error: 0x80370102"),
        ("Error: 0x\n80370102", "Error: 0x80370102"),
        ("hr = 0xffffffff8037\n0102", "hr = 0xffffffff80370102"),
        ("Error: 0x80370102\n2024", "Error: 0x80370102\n2024"),
        ("Error: 0x1bc\nFor more", "Error: 0x1bc\nFor more"),
        ("Error: 0x1bc\n12345", "Error: 0x1bc\n12345"),
        ("Error: 0x8037\n0102abc", "Error: 0x8037\n0102abc"),
        ("Wsl/Service/Creat\neInstance/E_FAIL", "Wsl/Service/CreateInstance/E_FAIL"),
        ("W\nsl/Service/E_FAIL", "Wsl/Service/E_FAIL"),
        ("Wsl\n/Service/E_FAIL", "Wsl/Service/E_FAIL"),
        ("Wsl/Service/\nE_FAIL", "Wsl/Service/E_FAIL"),
        ("Wsl/Service/E_FAIL\n/mnt/c/Users", "Wsl/Service/E_FAIL\n/mnt/c/Users"),
        ("HCS_E_HYPERV_NOT\n_INSTALLED", "HCS_E_HYPERV_NOT_INSTALLED"),
        ("Wsl/HCS_E_HYPERV_NOT_INSTALLED\nPS C:\\>", "Wsl/HCS_E_HYPERV_NOT_INSTALLED\nPS C:\\>"),
        ("x" * 60 + " Wsl/Service/NEW_E_NA\nME", "x" * 60 + " Wsl/Service/NEW_E_NAME"),
        ("x" * 60 + " Wsl/Service/NEW_E_NAME\nPS C:\\>", "x" * 60 + " Wsl/Service/NEW_E_NAME\nPS C:\\>"),
        ("x" * 60 + " Wsl/Service/NewCon\ntext/E_FAIL", "x" * 60 + " Wsl/Service/NewContext/E_FAIL"),
        ("x" * 79 + "1\ny", "x" * 79 + "1y"),
        ("x" * 78 + "1\ny", "x" * 78 + "1\ny"),
        ("x" * 80 + "\ny", "x" * 80 + "\ny"),
        ("x" * 80 + "\n y", "x" * 80 + " y"),
        ("中" * 40 + "\ny", "中" * 40 + "y"),
        (("x" * 20).ljust(80) + "\ny", ("x" * 20).ljust(80) + "\ny"),
        ("x" * 67 + " E_UNEXPECTED\ny", "x" * 67 + " E_UNEXPECTED\ny"),
        ("x" * 69 + " 0x80370102\ny", "x" * 69 + " 0x80370102\ny"),
        ("see\nan_identifier_of_its_own", "see\nan_identifier_of_its_own"),  # a long line that begins no known name
        ("HCS_E_HY\nPERV_NOT_INSTA is", "HCS_E_HY\nPERV_NOT_INSTA is"),  # that begins one, but ends in the line
    ],
)
def test_line_breaks_of_a_terminal(raw: str, joined: str) -> None:
    assert rejoin(raw, NAMES) == joined


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("0xffffffff", ["0xffffffff"]),
        ("0xFFFFFFFF80370102", ["0x80370102"]),  # sign-extended to 64 bits
        ("0x00007ff680370102", []),  # an address
        ("0xffffffff803701", []),
    ],
)
def test_a_hexadecimal_number_is_a_code_where_it_has_32_bits(said: str, ids: list[str]) -> None:
    assert [code.id for code in extract(f"It failed at {said}.", NAMES)] == ids


@pytest.mark.parametrize(("length", "is_joined"), [(240, True), (241, False)])
def test_of_a_line_240_characters_are_looked_at(length: int, is_joined: bool) -> None:
    """However long a line is, whether it was broken takes no longer to see; no path of WSL is half as long."""
    line = "Wsl/".ljust(length, "A")
    assert rejoin(f"{line}\n/CreateVm") == line + ("" if is_joined else "\n") + "/CreateVm"


@pytest.mark.parametrize("width", [24, 40, 57, 80, 100, 120, 132, 200])
@pytest.mark.parametrize("before", range(0, 40, 3))
def test_codes_and_paths_survive_any_width(width: int, before: int) -> None:
    path = "Wsl/InstallDistro/Service/RegisterDistro/CreateVm/HCS/HCS_E_HYPERV_NOT_INSTALLED"
    line = "x" * before + f" 0x80370102 {path} (the end)"
    wrapped = "\n".join(line[start : start + width] for start in range(0, len(line), width))
    plain = normalise(wrapped, NAMES)
    assert wsl_paths(plain) == [path]
    assert [code.id for code in extract(plain, NAMES)] == ["0x80370102", "HCS_E_HYPERV_NOT_INSTALLED"]


def test_a_wide_character_fills_two_columns() -> None:
    assert columns("ab中文") == 6


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("> one\n> two", "one\ntwo"),
        ("Ann wrote:\n>> one\n> > two\n>\n>three\nfour", "Ann wrote:\none\ntwo\n\nthree\nfour"),
        ("> wsl\nerror\n> wsl", "> wsl\nerror\n> wsl"),
        ("a > b\nc > d", "a > b\nc > d"),
    ],
)
def test_the_signs_of_a_quote_go_where_two_lines_are_quoted(text: str, plain: str) -> None:
    assert normalise(text) == plain


# ---- codes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("0x80370102", ["0x80370102"]),
        ("0X80370102L, HRESULT=0x80370102", ["0x80370102"]),
        ("0xFFFFFFFF80370102", ["0x80370102"]),
        ("0x800701bc and Error: 0x1bc", ["0x800701bc"]),
        ("0xd0000022 or 0xc0000022", ["0xc0000022"]),
        ("Wsl/Service/0x80070422", ["0x80070422"]),
        ("0x7ffd12345678 0x12 1920x1080123", []),
        ("0x1000 bytes", []),
        ("E_FAIL, HCS_E_NEW_ONE and CUDA_ERROR_NO_DEVICE", ["E_FAIL", "HCS_E_NEW_ONE", "CUDA_ERROR_NO_DEVICE"]),
        ("SOME_CONSTANT PATH_MAX __init__", []),
        ("-2147024894 2147942402 80070002 error 1603", []),
    ],
)
def test_certain_codes(text: str, ids: list[str]) -> None:
    assert [code.id for code in extract(text)] == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("HRESULT: -2147024894", ["0x80070002"]),
        ("exit code 2147942402", ["0x80070002"]),
        ("code 80070002", ["0x80070002"]),
        ("Update failed (exit code: 1603).", ["0x80070643"]),
        ("StartService FAILED 1058:", ["0x80070422"]),
        ("error 35", ["#35"]),
        ("error 35% of 1603 files, 2.2147942402", []),
        ("error 10.0.0.1, error code 0x1", []),
        ("cudaErrorNoDevice", ["CUDAERRORNODEVICE"]),
        ("{80070002-1111-2222-3333-444444444444}", []),
    ],
)
def test_codes_that_count_only_where_known(text: str, ids: list[str]) -> None:
    known = {"0x80070002", "0x80070643", "0x80070422", "#35", "#10", "CUDAERRORNODEVICE"}
    assert [code.id for code in extract(text, known)] == ids


def test_codes_in_the_order_of_the_text() -> None:
    found = extract("E_FAIL then 0x80370102 then E_FAIL")
    assert [(code.shown, code.offset) for code in found] == [("E_FAIL", 0), ("0x80370102", 12)]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("OSError: [Errno 28] ei tilaa", ["ERRNO_28"]),
        ("socket.gaierror: [Errno -3] xyz", ["ERRNO_MINUS_3"]),
        ("<3>WSL (8 - Relay) ERROR: CreateProcessEntryCommon:505: execvpe /bin/bash failed 28", ["ERRNO_28"]),
        ("The distribution failed to start. Error code: 28, failure step: 2", ["ERRNO_28"]),
        ("No se pudo iniciar la distribuci\u00f3n. C\u00f3digo de error: 28, paso de error: 2", ["ERRNO_28"]),
        ("Exit code: 28, time: now", []),
        ("[WinError 28] x, Errno 28, ERROR: mount:28: failed 28", []),
    ],
)
def test_errnos(text: str, ids: list[str]) -> None:
    assert [code.id for code in extract(text, {"ERRNO_28", "ERRNO_MINUS_3"})] == ids


# ---- intake --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\0\0", b"\xff\xfe", b"\xef\xbb\xbf\n"])
def test_nothing_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="no text") as error:
        require_text(data)
    assert "dreamrig diagnose" in error.value.hint


@pytest.mark.parametrize(
    "data",
    [
        base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        ),
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8" + b"\0" * 200,
        bytes(range(256)) * 8,
        b"\x1f\x8b\x08" + bytes((index * 7919 >> 3) & 0xFF for index in range(4000)),
    ],
    ids=["png", "exe", "all bytes", "packed"],
)
def test_binary_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="binary"):
        require_text(data)


@pytest.mark.parametrize("text", [GERMAN, CHINESE, HEBREW, "\x1b[31mred\x1b[0m\x07 a\x08b\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_in_any_encoding_is_not_binary(text: str, encoding: str) -> None:
    assert not is_binary(text.encode(encoding))
    assert not is_binary(("x\n" + text).encode("gb18030"))


def test_more_than_100_mebibytes_are_refused() -> None:
    with pytest.raises(UsageError, match="100 MiB"):
        require_text(bytes(1) * (INPUT_LIMIT_BYTES + 1))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_code_in_the_middle_of_something_big_is_found(encoding: str) -> None:
    filler = "".join(f"line {index} of a long log\n" for index in range(BIG_CHARACTERS // 24))
    text, is_cut = take_in(f"{filler}Fehler: 0x80370102 (das Ende)\n{filler}".encode(encoding))
    assert is_cut
    assert len(text) < 2 * LONG_CHARACTERS
    assert "\nFehler: 0x80370102 (das Ende)\n" in text
    assert text.startswith("line 0 ")


def test_a_repeated_line_is_read_once() -> None:
    text, is_cut = take_in("Error: 0x80370102\nagain\n" * 20000)
    assert (text, is_cut) == ("Error: 0x80370102\nagain", False)


def test_long_text_keeps_both_ends_and_the_lines_around_errors() -> None:
    filler = "".join(f"{index} nothing to see\n" for index in range(3000))
    short = shorten(f"first\n{filler}before\nit could not start\nafter\n{filler}last", 20000)
    assert len(short) <= 20000 + 2000
    assert short.startswith("first\n")
    assert short.endswith("last")
    assert "before\nit could not start\nafter" in short


def test_long_text_that_is_all_errors_is_shortened_too() -> None:
    text = "\n".join(f"error {index} and so on" for index in range(20000))
    assert len(take_in(text)[0]) <= LONG_CHARACTERS + 2000
    assert take_in(text)[1]


def test_short_text_is_kept_whole() -> None:
    assert take_in("Error: 0x1bc\n  twice\nError: 0x1bc") == ("Error: 0x1bc\n twice\nError: 0x1bc", False)


@pytest.mark.parametrize(
    "raw",
    [
        "A" * 10**6,
        "\x1b]" * 500_000,
        "\x1b[0;" * 250_000,
        "[1;" * 330_000,
        "\r" * 10**6,
        "\n" * 10**6,
        "0x8\n" * 250_000,
        "Wsl/" * 250_000,
        "a " * 500_000,
        "E_" * 500_000,
        "\u0315\u0300" * 250_000,
        ("x" * 80 + "\n") * 12_000,
        b"\xff\x00" * 500_000,
        random.Random(5).randbytes(10**6),
    ],
    ids=lambda raw: repr(raw[:6]),
)
def test_hostile_text_ends(raw: bytes | str) -> None:
    began_at = process_time()
    plain, _ = take_in(raw)
    extract(plain)
    assert process_time() - began_at < HANG_SECONDS


# ---- literals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("regex", "literals"),
    [
        ("Virtual Machine", ("virtual machine",)),
        (r"libcuda\.so\.1", ("libcuda.so.1",)),
        ("abc|defg", ("abc", "defg")),
        ("abc|d?", ()),
        ("colou?r", ("colo",)),
        ("fails*", ("fail",)),
        ("(?:abc|def)x{0,3}yy", ("abc", "def")),
        ("(?:abc|def)?xy", ("xy",)),
        ("(?:a(?:bcd|ef)g|hij)", ("bcd", "ef", "hij")),
        ("[abc]de[^\\]f]ghi", ("ghi",)),
        (r"\bWSL ?1\b", ("wsl",)),
        (".{0,80}", ()),
        ("abcx{0,3}d", ("abc",)),
        ("ab+?cde", ("cde",)),
        ("ab(?! hello)cd", ("ab",)),
        ("ab(?=hello|wide)", ("ab",)),
        ("(?<!ensure )(?:abc|def)", ("abc", "def")),
        ("(?<=far)(?!near)a", ()),
    ],
)
def test_what_a_match_must_contain(regex: str, literals: tuple[str, ...]) -> None:
    assert required_literals(regex) == literals


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab(?:=!)|.*+{0,2}\\[]", max_size=14), st.text(alphabet="abAB", max_size=10))
def test_a_match_always_contains_one_of_the_literals(regex: str, text: str) -> None:
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            match = re.search(regex, text, re.IGNORECASE)
    except re.error:
        return
    needed = required_literals(regex)
    if match and needed:
        assert any(literal in text.lower() for literal in needed)
