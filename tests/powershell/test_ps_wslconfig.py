""".wslconfig: our keys go in, everything else of the user's stays byte for byte, in UTF-8 without BOM."""

import base64
import codecs
import hashlib
import json
from collections.abc import Callable, Mapping

import pytest
from scenarios import Outcome, Scenario, Turn
from setup_runs import AT_HOME, CALL, SETUP, finished, in_few_words, inside, state_file, step, with_linux

Seen = Mapping[str, Outcome]
# Comments in an old code page, mixed line ends, odd spacing, keys of every section, no line end at the end.
USERS = (
    b"# f\xfcr mich: Gr\xf6\xdfe\r\n\r\n[WSL2]\r\n  GpuSupport = false   # seit 2023\r\nlocalhostForwarding=true\n"
    b"kernelCommandLine = a=b c\\\\d\r\n\r\n\r\n[experimental]\nautoMemoryReclaim=gradual\n; memory=1GB\n[user]\nx=1"
)
OURS = USERS.replace(b"= false ", b"= true ").replace(b"c\\\\d\r\n", b"c\\\\d\r\nmemory=23GB\r\n")
TEXT = "# Größe\r\n[wsl2]\r\nswap=0\r\n"
GO = ["-Unattended", "-SkipGuest", "-WslMemoryGB", "23"]
LINUX = {"name": "Ubuntu", "version": 2, "guest": AT_HOME, "running": True}


def setting(key: str, value: str, force: bool = False, section: str = "wsl2") -> str:
    return (
        f"[pscustomobject]@{{ section = '{section}'; key = '{key}'; value = '{value}'; force = ${str(force).lower()} }}"
    )


MEMORY = setting("memory", "12GB")
GPU = setting("gpuSupport", "true", force=True)
# content (None: no file), settings, content afterwards
MERGES: list[tuple[bytes | None, list[str], bytes]] = [
    (None, [MEMORY], b"[wsl2]\r\nmemory=12GB\r\n"),
    (None, [], b""),
    (b"", [MEMORY], b"[wsl2]\r\nmemory=12GB\r\n"),
    (b"[wsl2]", [MEMORY], b"[wsl2]\r\nmemory=12GB\r\n"),
    (b"[wsl2]\n", [MEMORY, GPU], b"[wsl2]\nmemory=12GB\ngpuSupport=true\n"),
    (b"a=1", [MEMORY], b"a=1\r\n[wsl2]\r\nmemory=12GB\r\n"),
    (b"[x]\na=1\n\n", [MEMORY], b"[x]\na=1\n\n[wsl2]\nmemory=12GB\n"),
    (b"[wsl2]\nmemory=2GB\n", [MEMORY], b"[wsl2]\nmemory=2GB\n"),
    (b"[wsl2]\nMEMORY = 12gb\n", [MEMORY], b"[wsl2]\nMEMORY = 12gb\n"),
    (b"[x]\nmemory=2GB\n", [MEMORY], b"[x]\nmemory=2GB\n[wsl2]\nmemory=12GB\n"),
    (
        b"#memory=2GB\n[wsl2]\n# memory=2GB\n\n[x]\n",
        [MEMORY],
        b"#memory=2GB\n[wsl2]\n# memory=2GB\nmemory=12GB\n\n[x]\n",
    ),
    (b"[wsl2]\ngpuSupport=false\ngpusupport=0\n", [GPU], b"[wsl2]\ngpuSupport=true\ngpusupport=true\n"),
    (b"[wsl2]\r\r\nswap=0\r", [MEMORY], b"[wsl2]\r\r\nswap=0\rmemory=12GB\r"),
    (USERS, [setting("memory", "23GB"), GPU], OURS),
    (codecs.BOM_UTF8 + TEXT.encode(), [MEMORY], (TEXT + "memory=12GB\r\n").encode()),
    (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), [MEMORY], (TEXT + "memory=12GB\r\n").encode()),
    (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), [], TEXT.encode()),
    (TEXT.encode("utf-16-le"), [], TEXT.encode()),
]


def merge_call(content: bytes | None, settings: list[str]) -> str:
    old = "$null" if content is None else f"([Convert]::FromBase64String('{base64.b64encode(content).decode()}'))"
    # An empty array does not survive the way through a variable.
    return f"""$merged = Merge-WslConfig -Bytes {old} -Setting @({", ".join(settings)})
        $again = Merge-WslConfig -Bytes $merged.Bytes -Setting @({", ".join(settings)})
        $first, $second = @($merged, $again | ForEach-Object {{ [Convert]::ToBase64String($_.Bytes) }})
        "$first $second $(@($again.Changes).Count)" """


SCENARIOS = {
    "merges": Scenario(finished(), [Turn(CALL, [inside("; ".join(merge_call(old, new) for old, new, _ in MERGES))])]),
    "users-own": Scenario(
        finished(),
        [Turn(SETUP, ["-Json", *GO]), Turn(SETUP, ["-Json", *GO])],
        {".wslconfig": USERS},
    ),
    "utf-16": Scenario(
        finished(),
        [Turn(SETUP, GO)],
        {".wslconfig": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le")},
    ),
    "none": Scenario(finished(), [Turn(SETUP, GO)]),
    "others-running": Scenario(
        with_linux(LINUX), [Turn(SETUP, ["-Unattended", "-SkipGuest"])], {".wslconfig": b"[wsl2]\ngpuSupport=0\n"}
    ),
    "others-running-yes": Scenario(with_linux(LINUX), [Turn(SETUP, ["-SkipGuest", "-WslMemoryGB", "23"], ["y", "y"])]),
    "not-asked-for": Scenario(finished(), [Turn(SETUP, ["-Json", "-SkipGuest", "-Unattended"])]),
}


@pytest.fixture(scope="module")
def seen(several: Callable[..., Seen]) -> Seen:
    return several(SCENARIOS)


def test_merging_keeps_every_other_byte_and_is_done_once(seen: Seen) -> None:
    lines = json.loads(seen["merges"].ran[0].out)["value"]
    assert len(lines) == len(MERGES)
    for line, (old, _, expected) in zip(lines, MERGES, strict=True):
        first, second, changes = line.split(" ")
        assert base64.b64decode(first) == expected, old
        assert base64.b64decode(second) == expected, "a second time changes nothing"
        assert changes == "0"


def test_the_users_file_survives_but_for_our_keys_with_a_backup_beside_it(seen: Seen) -> None:
    pc, (ran, again), _ = seen["users-own"]
    assert ran.code == 0, ran.err
    assert (pc.home / ".wslconfig").read_bytes() == OURS
    (backup,) = pc.home.glob(".wslconfig.dreamrig-*.bak")
    assert backup.read_bytes() == USERS
    (change,) = ran.json["data"]["changes"]
    assert (change["kind"], change["before"]) == ("wslconfig", str(backup))
    assert change["after"]["sha256"] == hashlib.sha256(OURS).hexdigest()
    assert "hides the GPU from Linux" in step(ran.json, "wslconfig")["reason"]
    assert again.json["data"]["changes"] == [], "a second run changes nothing"
    assert state_file(pc)["changes"] == ran.json["data"]["changes"]


def test_a_file_that_wsl_cannot_read_is_converted(seen: Seen) -> None:
    pc, (ran,), _ = seen["utf-16"]
    assert ran.code == 0, ran.err
    assert (pc.home / ".wslconfig").read_bytes() == (TEXT + "memory=23GB\r\n").encode()
    (backup,) = pc.home.glob(".wslconfig.dreamrig-*.bak")
    assert backup.read_bytes().startswith(codecs.BOM_UTF16_LE)


def test_a_new_file_has_no_bom(seen: Seen) -> None:
    pc, _, _ = seen["none"]
    assert (pc.home / ".wslconfig").read_bytes() == b"[wsl2]\r\nmemory=23GB\r\n"
    assert not list(pc.home.glob("*.bak"))


def test_running_distributions_of_the_users_are_not_stopped_without_a_yes(seen: Seen) -> None:
    assert in_few_words(seen["others-running"].changes()) == []
    assert "it counts after the next: wsl --shutdown" in seen["others-running"].ran[0].out
    assert in_few_words(seen["others-running-yes"].changes()) == ["wsl.exe --shutdown"]


def test_without_being_asked_nothing_is_set_for_everyone(seen: Seen) -> None:
    """WSL's own choice is half of the memory; the file holds for every distribution of the account."""
    pc, (ran,), _ = seen["not-asked-for"]
    assert step(ran.json, "wslconfig")["status"] == "done"
    assert not (pc.home / ".wslconfig").exists()
