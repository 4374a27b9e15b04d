"""What WSL says without a code is recognised in every language it is translated to, by a few words of each message."""

import json
from pathlib import Path
from typing import Any

import pytest

from provision.diagnosis.cause import Knowledge
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent / "languages.json").read_text(encoding="utf-8"))
MESSAGES: list[dict[str, str]] = DOCUMENT["messages"]
ORDINARY: dict[str, list[str]] = DOCUMENT["ordinary"]
LANGUAGES = sorted({item["language"] for item in MESSAGES} - {"en"})
ACCENTED = [language for language in LANGUAGES if language not in ("ja", "ko", "ru", "zh-CN", "zh-TW")]
CARRIERS = ("{}", "wsl: {}.", "PS C:\\Users\\me> wsl -d Ubuntu\r\n{}\r\nPS C:\\Users\\me>", "[12:01] {} (?)")
TABLE = "  NAME      STATE           VERSION\r\n* Ubuntu    Running         2\r\n  Debian    Stopped         2"
LOOKED_AT = 3


@pytest.fixture(scope="module")
def shipped() -> Knowledge:
    return load_knowledge()


def first(text: str | bytes, knowledge: Knowledge) -> list[str]:
    return [item.cause.slug for item in diagnose(text, None, knowledge).diagnoses[:LOOKED_AT]]


def lost(texts: list[tuple[str | bytes, str]], knowledge: Knowledge) -> list[str | bytes]:
    """The texts whose cause is not among the first."""
    return [text for text, cause in texts if cause not in first(text, knowledge)]


def of(language: str) -> list[dict[str, str]]:
    return [item for item in MESSAGES if item["language"] == language]


@pytest.mark.parametrize(
    ("index", "item"), [*enumerate(MESSAGES)], ids=[f"{item['language']}-{item['message']}" for item in MESSAGES]
)
def test_the_words_of_a_message_lead_to_its_cause(index: int, item: dict[str, str], shipped: Knowledge) -> None:
    text = CARRIERS[index % len(CARRIERS)].format(item["words"])
    assert item["cause"] in first(text, shipped)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_broken_over_two_lines_are_the_same_words(language: str, shipped: Knowledge) -> None:
    halves = [(item, len(item["words"]) // 2) for item in of(language)]
    texts = [(f"{item['words'][:at]}\r\n{item['words'][at:]}", item["cause"]) for item, at in halves]
    assert lost([*texts], shipped) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_in_utf_16_are_the_same_words(language: str, shipped: Knowledge) -> None:
    texts = [(f"wsl: {item['words']}\r\n".encode("utf-16-le"), item["cause"]) for item in of(language)]
    assert lost([*texts], shipped) == []


@pytest.mark.parametrize("language", ACCENTED)
def test_lost_accents_do_not_matter(language: str, shipped: Knowledge) -> None:
    items = [item for item in of(language) if not item["words"].isascii()]
    texts = [(item["words"].encode("ascii", "replace").decode(), item["cause"]) for item in items]
    texts += [(item["words"].encode().decode("cp437"), item["cause"]) for item in items]  # UTF-8 in an old console
    texts += [(item["words"].encode().decode("cp1252", "replace"), item["cause"]) for item in items]
    assert lost([*texts], shipped) == []


@pytest.mark.parametrize("language", sorted(ORDINARY))
def test_ordinary_output_is_no_error(language: str, shipped: Knowledge) -> None:
    lines = ORDINARY[language]
    for text in (*lines, "\r\n".join([*lines, TABLE]), f"{lines[0]}\r\n{TABLE}"):
        assert diagnose(text, None, shipped).diagnoses == (), text


def test_every_language_has_a_fair_number_of_messages_and_ordinary_lines() -> None:
    assert len(LANGUAGES) == 20  # WSL's 22 without the two Englishes
    assert {language: len(of(language)) for language in LANGUAGES if len(of(language)) < 24} == {}
    assert set(ORDINARY) == {*LANGUAGES, "en"}


WIDELY_READ = ("de", "es", "fr", "ja", "zh-CN")
"""Languages whose messages without a code were read one by one; of the others, the first 31 kinds."""
NOT_THERE = {("HostsFileTooLarge", "es")}
"""Message and language of which no text was at hand: what is missing is known; a new one is listed or covered."""
WITHOUT_A_CODE = {
    "ConfigInvalidSection", "ConfigUnknownKey", "ConfigInvalidEscape", "ConfigInvalidInteger", "ConfigInvalidBoolean",
    "InvalidNumberString", "FailedToCreateSwapVhd", "HostsFileTooLarge", "HashMismatch", "LocalhostRelayFailed",
    "NetworkInitializationFailedFallback2", "FatalPluginError", "PluginRequiresUpdate", "WSLMountDisabled",
    "WSL1Disabled", "FinishMsiInstallation", "VmSwitchNotFound",
    "ProxyLocalhostSettingsDropped", "ProxyV6SettingsDropped", "HttpProxyChangeDetected",
    "ProxyUnexpectedSettingsDropped",
    "NestedVirtualizationNotSupported", "HyperVFirewallNotSupported", "DnsTunnelingNotSupported",
    "LocalhostForwardingNotSupportedMirroredMode", "FailedToCreateNetworkEndpoint", "FailedToCreateNetwork",
}  # fmt: skip


def test_what_wsl_says_without_a_code_is_covered_or_listed_as_missing() -> None:
    covered = {(item["message"], item["language"]) for item in MESSAGES}
    wanted = {(message, language) for message in WITHOUT_A_CODE for language in WIDELY_READ}
    missing = wanted - covered
    assert not missing ^ NOT_THERE
    names = {
        message["name"]
        for message in json.loads((Path(__file__).parent / "wsl_messages.json").read_text("utf-8"))["messages"]
    }
    assert names >= WITHOUT_A_CODE


def test_every_cause_named_here_exists(shipped: Knowledge) -> None:
    assert {item["cause"] for item in MESSAGES} <= {cause.slug for cause in shipped.causes}
