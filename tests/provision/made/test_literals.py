"""literals.json: is it what causes.json and words.json say today, and does a text without a literal never match?"""

import re

from docs.made.literals import FILE, SIGNS, patterns, render, signs
from provision.checked_json import read_json
from provision.diagnosis.knowledge import load_knowledge, stored_literals, stored_signs
from provision.diagnosis.reading import read_text

DOCUMENT = read_json("causes.json")
WORDS = read_json("words.json")


def test_the_file_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == render(DOCUMENT, WORDS), "run: python -m docs.made.literals"


def test_nearly_every_pattern_needs_a_literal() -> None:
    without = [regex for regex in set(patterns(DOCUMENT)) if not stored_literals()[regex]]
    assert len(without) <= 5, without


def test_a_short_text_has_few_patterns_compiled() -> None:
    """Compiling takes longest: only what can match is worth it."""
    reading = read_text("WslRegisterDistribution failed with error: 0x80370102", load_knowledge())
    assert reading is not None
    needed = {
        regex
        for regex in set(patterns(DOCUMENT))
        if not stored_literals()[regex] or any(text in reading.lowered[0] for text in stored_literals()[regex])
    }
    assert len(needed) < 60


def test_what_is_skipped_would_not_have_matched() -> None:
    texts = [code["meaning"] for code in DOCUMENT["codes"]][:120]
    lowered = " ".join(texts).lower()
    skipped = [
        regex for regex, needs in stored_literals().items() if needs and not any(need in lowered for need in needs)
    ]
    assert len(skipped) > 100
    assert [regex for regex in skipped if re.search(regex, " ".join(texts), re.IGNORECASE)] == []


def test_the_signs_are_the_words_that_most_weight_hangs_on() -> None:
    rule = {
        "signatures": [{"regex": "quince (?:marmalade|jelly)", "weight": 0.9}, {"regex": "jelly bean", "weight": 0.1}]
    }
    name = {"signatures": [{"regex": "persimmon", "weight": 1.0, "raises": True}]}
    words = signs({"causes": [rule, name]}, count=2)
    assert words == ["quince", "jelly"]
    assert len(stored_signs()) == SIGNS
    assert list(stored_signs()) == sorted(stored_signs(), key=lambda word: (-len(word), word))


def test_a_line_in_the_middle_of_a_long_log_is_kept_for_most_rules() -> None:
    """Of the weight of all rules that need a text in plain letters, more than half hangs on the signs."""
    held = whole = 0.0
    for cause in load_knowledge().causes:
        for signature in cause.signatures:
            needed = [text for text in stored_literals().get(signature.regex, ()) if text.isascii()]
            if needed and not signature.raises:
                whole += signature.weight
                held += (
                    signature.weight
                    * sum(any(sign in text for sign in stored_signs()) for text in needed)
                    / len(needed)
                )
    assert held > 0.6 * whole
