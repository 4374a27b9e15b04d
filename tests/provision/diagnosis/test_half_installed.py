"""An installation that broke off: is it told from a command used wrongly, and from one that still goes on?

The texts are those of microsoft/WSL 4084, 10479 and 12289, ArchWSL 339 and NixOS-WSL 620.
"""

import pytest

from provision.diagnosis.diagnose import LIKELY, diagnose
from provision.diagnosis.knowledge import load_knowledge

HALF = "distribution-half-installed"
LAUNCHER = "Installing, this may take a few minutes...\nWslRegisterDistribution failed with error: 0x8000000d\n"
TEXTS = {
    "launcher": f"{LAUNCHER}Error: 0x8000000d An illegal state change was requested.\n",
    "question marks": f"{LAUNCHER}Error: 0x8000000d ????????? ???????????? ????????? ?????????.\n",
    "wsldl": "ERROR:Installation Failed!\nHRESULT:0x8000000d\n",
    "words": "ERR: An illegal state change was requested.",
    "service": "An illegal state change was requested.\nError code: Wsl/Service/E_ILLEGAL_STATE_CHANGE\n",
    "number": "System.Runtime.InteropServices.COMException (0x8000000D): An illegal state change was requested.",
    "decimal": "exit code -2147483635",
}


def verdicts(text: str) -> dict[str, str]:
    return {one.cause.slug: one.verdict for one in diagnose(text, None, load_knowledge()).diagnoses}


@pytest.mark.parametrize("name", TEXTS)
def test_it_comes_first_and_no_command_was_used_wrongly(name: str) -> None:
    found = verdicts(TEXTS[name])
    assert next(iter(found.items())) == (HALF, LIKELY)
    assert "usage-error" not in found


def test_what_still_goes_on_comes_second_and_first_where_its_own_words_say_so() -> None:
    assert list(verdicts("0x8000000d")) == [HALF, "wsl-busy"]
    assert list(verdicts("An install, uninstall, or conversion is in progress for this distribution.")) == [
        "wsl-busy",
        HALF,
    ]


@pytest.mark.parametrize("text", ["  Ubuntu    Installing      2", "0x8007000d", "the state change was requested"])
def test_near_misses(text: str) -> None:
    assert HALF not in verdicts(text)


def test_nothing_is_removed_without_a_warning() -> None:
    cause = next(cause for cause in load_knowledge().causes if cause.slug == HALF)
    looks, removes, installs, *others = cause.document["fix"]
    assert looks["command"] == "wsl --list --verbose --all"
    assert removes["command"] == "wsl --unregister NAME"
    assert "for good" in removes["risk"]
    assert "never finished" in removes["text"]
    assert removes["undo"]
    assert installs["command"].startswith("wsl --install")
    assert not [step for step in others if "--unregister" in (step["command"] or "")]
