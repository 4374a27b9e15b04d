"""What WSL reads from .wslconfig and wsl.conf, and every slip that it only warns about or passes over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.facts.wslconf import encoding_of, read_wsl_conf, read_wslconfig

NO_SIZE = "not a size such as 8GB or 512MB (a whole number, no space before the unit)"
MODES = "none, nat, bridged, mirrored, virtioproxy, consomme"
DOUBLED = "backslashes must be doubled, as in C:\\\\path"


def slips(text: str) -> tuple[str, ...]:
    return read_wslconfig(text.encode()).problems


def test_a_file_without_mistakes() -> None:
    text = """
    # all of it
    [wsl2]
    memory=8GB   # half
    SWAP = 0
    processors=0x4
    kernel=C:\\\\Users\\\\ada\\\\bzImage
    kernelCommandLine="a=1 # b" quiet
    networkingMode=Mirrored
    gpuSupport=FALSE
    [experimental]
    sparseVhd=true
    autoMemoryReclaim=dropCache
    [general]
    instanceIdleTimeout=-1
    """
    settings = read_wslconfig(text.encode())
    assert settings.problems == ()
    assert settings.values["wsl2.kernel"] == "C:\\Users\\ada\\bzImage"
    assert settings.values["wsl2.kernelcommandline"] == "a=1 # b quiet"
    assert settings.size_mib("wsl2.memory") == 8192
    assert settings.size_mib("wsl2.swap") == 0
    assert settings.boolean("wsl2.gpuSupport", True) is False
    assert settings.boolean("wsl2.ipv6", False) is False
    assert settings.encoding == "utf-8"


def test_no_file() -> None:
    assert read_wslconfig(None).encoding == "absent"
    assert read_wsl_conf(None).problems == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[wsl2]\nmemori=8GB", "line 2: unknown key wsl2.memori (did you mean wsl2.memory?)"),
        ("[wsl2]\nmirrored=true", "line 2: unknown key wsl2.mirrored"),
        ("memory=8GB", "line 1: memory belongs under [wsl2], and has no section"),
        ("[wsl2]\nsparseVhd=true", "line 2: sparseVhd belongs under [experimental], not under [wsl2]"),
        ("[experimental]\nmemory=8GB", "line 2: memory belongs under [wsl2], not under [experimental]"),
        ("[boot]\nsystemd=true", "line 2: boot.systemd belongs in /etc/wsl.conf inside the distribution"),
        ("[wsl2]\nmemory=8 GB", "line 2: wsl2.memory is '8 GB', " + NO_SIZE),
        ("[wsl2]\nmemory=1.5GB", "line 2: wsl2.memory is '1.5GB', " + NO_SIZE),
        ("[wsl2]\nmemory=8", "line 2: wsl2.memory is 8 bytes: the unit is missing, as in 8GB"),
        ("[wsl2]\nprocessors=four", "line 2: wsl2.processors is 'four', not a whole number"),
        ("[wsl2]\nipv6=yes", "line 2: wsl2.ipv6 is 'yes', not true or false"),
        ("[wsl2]\nnetworkingMode=mirored", "line 2: wsl2.networkingMode is 'mirored', not one of " + MODES),
        ("[wsl2]\nkernel=C:\\Users\\ada", "line 2: \\U is no escape: " + DOUBLED),
        ("[wsl2]\nkernel=C:\\temp", "line 2: wsl2.kernel: " + DOUBLED + " (\\t is read as a tab)"),
        ("[wsl2]\n; a remark", "line 2: '; a remark' is no [section], no key = value and no # comment"),
        ("[wsl2\nmemory=1GB", "line 1: '[wsl2' is no [section], no key = value and no # comment"),
        ('[wsl2]\nkernelCommandLine="quiet', 'line 2: the closing " is missing'),
        ("[wsl2]\nswap=1GB\nSwap=2GB", "line 3: wsl2.Swap stands here a second time; the first one counts"),
    ],
)  # fmt: skip
def test_slips(text: str, problem: str) -> None:
    assert slips(text)[0] == problem


def test_line_numbers_survive_line_ends_comments_and_continuations() -> None:
    assert slips("[wsl2]\r\n\r\n# x\r\nbad=1\r\n")[0].startswith("line 4:")
    assert slips("[wsl2]\rbad=1")[0].startswith("line 2:")
    assert read_wslconfig(b"[wsl2]\nkernelCommandLine=a \\\n  b\nswap=0\n").values["wsl2.kernelcommandline"] == "a b"


def test_the_first_of_two_counts() -> None:
    assert read_wslconfig(b"[wsl2]\nswap=1GB\nswap=2GB").size_mib("wsl2.swap") == 1024


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"[wsl2]", "utf-8"),
        (b"\xef\xbb\xbf[wsl2]", "utf-8-bom"),
        ("[wsl2]".encode("utf-16"), "utf-16"),
        ("[wsl2]".encode("utf-16-le"), "utf-16"),
        ("# für".encode("cp1252"), "other"),
        (None, "absent"),
    ],
)
def test_encodings(data: bytes | None, encoding: str) -> None:
    assert encoding_of(data) == encoding
    assert read_wslconfig(data).encoding == encoding


def test_a_file_in_utf16_is_read_and_told() -> None:
    settings = read_wslconfig("[wsl2]\r\nmemori=8GB\r\n".encode("utf-16"))
    assert [problem[:20] for problem in settings.problems] == ["the file is UTF-16: ", "line 2: unknown key "]


# --- wsl.conf


def test_carriage_returns_in_wsl_conf() -> None:
    settings = read_wsl_conf(b"[boot]\r\nsystemd=true\r\n")
    assert settings.problems[0].startswith("lines end in CR LF")
    assert settings.boolean("boot.systemd", False)


@pytest.mark.parametrize("data", ["[gpu]\nenabled=false".encode("utf-8-sig"), "[gpu]\nenabled=false".encode("utf-16")])
def test_wsl_conf_with_a_mark_is_ignored_as_a_whole(data: bytes) -> None:
    settings = read_wsl_conf(data)
    assert settings.values == {}
    assert "WSL ignores all of it" in settings.problems[0]


def test_wsl_conf_is_not_read_below_a_malformed_line() -> None:
    settings = read_wsl_conf(b"[boot]\n; systemd\nsystemd=true\n")
    assert settings.values == {}
    assert settings.problems == (
        "line 2: '; systemd' is no [section], no key = value and no # comment; all below it is ignored",
    )


def test_the_other_files_keys_in_wsl_conf() -> None:
    problems = read_wsl_conf(b"[wsl2]\nmemory=4GB\n[boot]\nenabled=true").problems
    assert problems[0] == "line 2: wsl2.memory belongs in %UserProfile%\\.wslconfig on Windows"
    assert (
        problems[1]
        == "line 4: enabled belongs under [automount] or [fileServer] or [gpu] or [interop], not under [boot]"
    )


@given(st.binary(max_size=400))
def test_any_bytes_are_read(data: bytes) -> None:
    for settings in (read_wslconfig(data), read_wsl_conf(data)):
        assert all(isinstance(problem, str) for problem in settings.problems)


@given(st.text(alphabet='[]=#"\\ \n\r\tabwsl2.memory', max_size=80))
def test_any_text_is_read(text: str) -> None:
    settings = read_wslconfig(text.encode())
    assert settings.size_mib("wsl2.memory") is None or settings.size_mib("wsl2.memory") >= 0  # type: ignore[operator]  # not None here
