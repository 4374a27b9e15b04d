"""What a word of another language may be a form of: plurals, cases and feminines, by their endings.

Standard library only.
The rules are coarse on purpose: a form counts only where the language's names hold what comes out.
"""

from __future__ import annotations

from collections.abc import Iterator

_SHORTEST = 3
"""Letters that are left of a word; `ei` and `kuh` are found as they are."""
_ENDINGS = {
    "de": "en: e: er: n: s: es: nen: em: ern:",
    "fr": "s: x: aux:al aux:ail es: e:",
    "es": "s: es: ces:z a:o as:o ita:o ito:o",
    "it": "i:o i:e e:a chi:co ghi:go che:ca ghe:ga a:o i:io ni:ne",
    "pt": "s: es: oes:ao aes:ao ais:al eis:el ns:m a:o as:o",
    "nl": "en: s: zen:s ven:f je: tje: jes: tjes: eren:",
    "pl": "y: i: a: ow: owi: em: iem: u: ie: e: y:a i:a e:a a:o em:o ie:o u:o ami:a ach:a ami: ach: ki:ek ka:ek ku:ek "
    "kiem:ek",
    "ru": "ы: и: а: у: е: ом: ем: ов: ами: ах: ы:а и:а у:а е:а ои:а и:ь я:ь ю:ь ем:ь а:о у:о ом:о е:о",
    "sv": "en: et: ar: arna: er: erna: or:a orna:a n: a:",
    "da": "en: et: e: er: erne: ene: n:",
    "nb": "en: et: er: ene: a: n: e:",
}
_IRREGULAR = {
    "de": {"manner": "mann"},
    "fr": {"yeux": "œil"},
    "it": {"uomini": "uomo", "buoi": "bue"},
    "pl": {"psy": "pies", "psa": "pies", "psem": "pies", "lwa": "lew", "lwy": "lew", "ludzie": "człowiek"},
}
_WRITTEN_OUT = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""German and the North's letters on a keyboard without them; with them they are folded to the same."""
_VOWELS = "aeou"


def forms(word: str, language: str) -> Iterator[str]:
    """The folded word itself, then what it may be a form of, in the order to try."""
    yield word
    if word in _IRREGULAR.get(language, {}):
        yield _IRREGULAR[language][word]
    plain = word
    for written, letter in _WRITTEN_OUT if language == "de" else ():
        plain = plain.replace(written, letter)
    if plain != word:
        yield plain
    for spelt in dict.fromkeys((word, plain)):
        for rule in _ENDINGS.get(language, "").split():
            ending, _, instead = rule.partition(":")
            if spelt.endswith(ending) and len(spelt) - len(ending) + len(instead) >= _SHORTEST:
                stem = spelt[: -len(ending)]
                yield stem + instead
                if language == "nl" and not instead:
                    yield from _dutch(stem)


def _dutch(stem: str) -> Iterator[str]:
    """katt -> kat, bom -> boom: what a Dutch plural does to the spelling of its vowel."""
    if len(stem) > _SHORTEST and stem[-1] == stem[-2]:
        yield stem[:-1]
    elif len(stem) >= _SHORTEST and stem[-2] in _VOWELS and stem[-1] not in _VOWELS:
        yield stem[:-1] + stem[-2:]
