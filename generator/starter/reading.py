"""Read a prompt: which things, how many, how they stand to one another, and what is left for the scene.

Standard library only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from generator.starter import words
from generator.starter.abroad import COLOUR_FOLLOWS
from generator.starter.folding import as_typed, split
from generator.starter.lexicon import LONGEST, Lexicon, Thing, lexicon
from generator.starter.materials import BEFORE_A_THING, material_called
from generator.starter.translating import in_english, language_of
from generator.wishes.prompts import SCENES

MOST = 3
"""Things in one picture."""
MOST_OF_A_KIND = 5

BESIDE, ON, OVER, UNDER, IN, WEARING, HOLDING, BEHIND, MADE_OF = (
    "beside", "on", "over", "under", "in", "wearing", "holding", "behind", "made of",
)  # fmt: skip
_RELATIONS: dict[str, str] = {
    phrase: relation
    for relation, phrases in (
        (
            BESIDE,
            "beside, next to, and, with, near, by, left of, right of, against, versus, vs, meets, meeting, fighting",
        ),
        (
            BESIDE,
            "kissing, chasing, in front of, watching, looking at, between, plus, hunting, dancing with, followed by",
        ),
        (ON, "on, on top of, atop, upon, riding, riding on, sitting on, standing on, rides, sits on, lying on"),
        (ON, "driving on, sleeping on, growing on, perched on, walking on"),
        (OVER, "over, above, flying over, jumping over, floating over, hovering over, leaping over, floating above"),
        (OVER, "flying above, flies over, jumps over"),
        (UNDER, "under, below, beneath, underneath, hiding under"),
        (
            IN,
            "in, inside, within, driving, coming out of, swimming in, sitting in, floating in, trapped in, bathing in",
        ),
        (IN, "sleeping in, piloting, flying"),
        (WEARING, "wearing, dressed in, dressed as"),
        (
            HOLDING,
            "holding, carrying, eating, drinking, playing, reading, using, playing the, selling, catching, throwing",
        ),
        (HOLDING, "playing with, juggling, cooking, painting, waving, drinking from, typing on, talking on"),
        (BEHIND, "behind, hiding behind"),
        (MADE_OF, "made of, made out of, made from, built of, built from, out of, shaped like"),
    )
    for phrase in phrases.split(", ")
}
_COUNTS = {
    "two": 2, "2": 2, "three": 3, "3": 3, "four": 4, "4": 4, "five": 5, "5": 5, "several": 4, "many": 5, "some": 3,
    "pair of": 2, "couple of": 2, "group of": 4, "herd of": 5, "flock of": 5, "bunch of": 4, "lots of": 5, "pack of": 4,
    "swarm of": 5, "school of": 5, "row of": 4, "crowd of": 5, "pile of": 4, "a few": 3, "few": 3, "dozen": 5,
}  # fmt: skip
_BIG, _SMALL = (
    "big large huge giant gigantic enormous massive great colossal towering",
    "small little tiny mini miniature",
)
_SIZES = {**dict.fromkeys(_BIG.split(), "big"), **dict.fromkeys(_SMALL.split(), "small")}
PLACES: dict[str, tuple[str, str]] = {
    phrase: (place, said)
    for place, said, phrases in (
        ("space", "night stars", "space, outer space, cosmos, universe, galaxy, milky way, nebula, deep space, orbit"),
        (
            "underwater",
            "sea",
            "underwater, under water, under the sea, under the ocean, deep sea, sea floor, ocean floor",
        ),
        ("underwater", "sea", "bottom of the sea, bottom of the ocean, sea bed, seabed"),
        (
            "sky",
            "sky clouds",
            "in the sky, through the sky, in the clouds, in the air, above the clouds, through the air",
        ),
        ("", "storm", "rain, raining, in the rain, rainy, rainstorm, thunderstorm"),
        ("", "meadow forest", "jungle, garden, park, backyard, farm yard, rainforest"),
        ("", "night moon", "moonlight, by moonlight, under the moon"),
        ("", "snow mountains", "north pole, south pole, antarctica, arctic, ice age, himalayas, alps"),
        ("", "city", "street, downtown, new york, tokyo, paris, london, times square, manhattan, town square"),
        ("", "sea sunset", "tropical beach, seaside, beach at sunset"),
        ("", "sea", "lake, river, pond, pool, swimming pool, bay, shore, coast"),
        ("", "desert", "egypt, sahara, mars, on mars, on the moon, wild west, savanna, savannah, safari"),
        ("", "desert", "surface of the moon, surface of mars, moon surface"),
        ("", "meadow hills", "countryside, valley, farmland, pasture, field of grass"),
        ("", "night", "at night, by night, dark, spooky, halloween, darkness, midnight"),
        ("", "sunset", "at sunset, golden hour, at dusk, at dawn, sunrise, autumn"),
        ("", "meadow", "field, lawn, spring, summer, picnic"),
        ("", "snow", "winter, in winter, christmas, ice, frozen lake, glacier"),
    )
    for phrase in phrases.split(", ")
}
"""Phrase -> the special place it is, and what it says in the starter's own words."""
_STYLES = {
    "pixel": "pixel art, 8bit, 8 bit, 16 bit, pixelated, retro game, voxel, minecraft, lego",
    "neon": "neon, synthwave, vaporwave, cyberpunk, glowing, blade runner, psychedelic, tron",
    "pastel": "pastel, watercolor, watercolour, soft, studio ghibli, pale, aquarelle",
    "sketch": "sketch, pencil drawing, pencil sketch, line art, ink drawing, charcoal, black and white, drawing",
}
_STYLE_OF = {phrase: style for style, phrases in _STYLES.items() for phrase in phrases.split(", ")}
_GLUE_TEXT = """
    a an the of in on at to is are was be being been this that these those its it his her their our my your with
    and or for from into onto as by up down off through during very really just so some any all no not who which
    where while style art colours colors painting picture photo photograph image poster portrait illustration
    render rendering artwork concept digital oil hd 4k 8k uhd hdr high quality resolution detailed highly ultra
    trending artstation deviantart unreal engine octane realistic photorealistic realism cinematic lighting lit
    film shot lens bokeh depth masterpiece intricate wallpaper scene view studio one single lone each
    other there front back close closeup macro wide angle beautiful cute funny epic surreal dreamy trippy
    fantasy weird strange dramatic light lights van gogh picasso dali monet rembrandt banksy hokusai greg
    rutkowski james gurney beeple made out like looking day time world century era fashion s t d covered full
    side part kind type sort body set let
"""
_GLUE = frozenset(_GLUE_TEXT.split())
_ENGLISH_TEXT = """
    the of with and an on at is from under over wearing riding made eating
"""
_ENGLISH = frozenset(_ENGLISH_TEXT.split())


@dataclass(frozen=True)
class WantedThing:
    """One thing of a prompt."""

    thing: Thing
    said: str
    """The words that name it."""
    colour: str = ""
    """One of the starter's colours; empty = as it is."""
    size: str = ""
    count: int = 1
    made_of: Thing | None = None
    material: str = ""
    """One of the materials that are no things; empty = its own."""


@dataclass(frozen=True)
class PromptReading:
    """What a prompt says."""

    wanted: tuple[WantedThing, ...] = ()
    relations: tuple[str, ...] = ()
    """How each thing after the first stands to the one before it."""
    scene: tuple[str, ...] = ()
    """The starter's own words for the rest: ground, sky, light, pattern, colours of these."""
    place: str = ""
    """space, underwater, sky or nothing special."""
    style: str = ""
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Words that may be things and are not understood, in the order of the prompt."""
    subject: str = ""
    """What the picture should be of, where that is not understood."""
    is_own: bool = False
    """Whether it is said in the starter's first words alone, which its composer draws without the library."""

    suggestions: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class _State:
    wanted: list[WantedThing] = field(default_factory=list)
    relations: list[str] = field(default_factory=list)
    scene: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    unknown: list[tuple[int, str]] = field(default_factory=list)
    place: str = ""
    style: str = ""
    colour: str = ""
    size: str = ""
    count: int = 1
    relation: str = ""
    material: str = ""
    language: str = ""
    """Whose names of things come before the English ones; empty = English, or nobody knows."""
    typed: frozenset[str] = frozenset()
    """The words before any was put into English; those of another language are not looked up in that one again."""
    first_thing: int = -1
    """Where the first thing is named."""
    last_end: int = -1
    """Where the last thing ended: a thing right behind it is what the other one describes."""


def read(text: str, known: Lexicon | None = None) -> PromptReading:
    """The reading of one scene's text."""
    table = lexicon() if known is None else known
    tokens = split(text)
    abroad = not any(token in _ENGLISH for token in tokens) and tokens[:1] != ["a"]
    state, at = _State(), 0
    if abroad:
        state.language, state.typed = language_of(tokens, table), frozenset(tokens)
        tokens = in_english(tokens, state.language, table)
    while at < len(tokens):
        at += _take(tokens, at, state, table, abroad)
    return _finish(text, tokens, state, table)


def known_words(prompt: str) -> tuple[str, ...]:
    """The words and phrases of a prompt that are understood, in their order."""
    return read(prompt).known


def names_more(prompt: str) -> bool:
    """Whether a prompt holds things that the starter draws and its CLIP, which has the first words alone, has not."""
    said = (one.said for scene in prompt.split(SCENES) for one in read(scene).wanted)
    return any(words.canonical(word) is None for phrase in said for word in phrase.split())


def unknown_words(text: str) -> dict[str, list[str]]:
    """Words of a text, as typed, that name nothing the starter knows -> what is near, in meaning or in spelling."""
    typed, noun = as_typed(text), lexicon().is_noun
    near = read(text).suggestions
    return {typed.get(word, word): near[word] if noun(word) else _misspelt(word) for word in near}


def missed_subject(text: str) -> str:
    """The unknown word, as typed, that a picture of the text should be of; "" where there is none."""
    subject = read(text).subject
    return as_typed(text).get(subject, subject)


def _misspelt(word: str) -> list[str]:
    """Words one may have meant: spelt nearly alike, and beginning alike."""
    alike = [known for known in (*words.WORDS, *words.ALIASES, *lexicon().english) if known[:1] == word[:1]]
    return list(dict.fromkeys(difflib.get_close_matches(word, alike, n=3, cutoff=0.8)))


def _take(tokens: list[str], at: int, state: _State, table: Lexicon, abroad: bool) -> int:
    """Understand what begins at a token; returns how many tokens that was."""
    if tokens[at] == ",":
        state.relation, state.colour, state.size, state.count, state.material = "", "", "", 1, ""
        return 1
    for length, phrase in _phrases(tokens, at):
        if _take_material(tokens, at, length, phrase, state, table):
            return length
        if _take_phrase(tokens, at, phrase, state) or (length == 1 and _take_word(tokens, at, state)):
            return length
        thing = table.find_in(state.language, phrase) if state.typed.issuperset(phrase.split()) else None
        thing = thing or (None if _is_scenery(phrase) else table.find(phrase))
        if thing is None and (abroad or not phrase.isascii()):
            thing = table.find_abroad(phrase)
        if thing is not None:
            _add(state, thing, phrase, at, at + length)
            return length
    inside = [] if tokens[at].isascii() else list(table.find_inside(tokens[at]))
    for thing in inside:
        _add(state, thing, thing.name, at, at + 1)
    if not inside:
        _miss(tokens[at], at, state, table)
    return 1


def _take_material(tokens: list[str], at: int, length: int, phrase: str, state: _State, table: Lexicon) -> bool:
    """Take what something is made of: after "made of", or right before the thing."""
    material = material_called(phrase)
    if material and state.relation == MADE_OF and state.wanted:
        before = state.wanted[-1]
        state.wanted[-1] = replace(before, material=material, colour=state.colour or before.colour)
        state.relation, state.colour = "", ""
    elif material and phrase in BEFORE_A_THING and _thing_at(tokens, at + length, table):
        state.material = material
    else:
        return False
    state.known.append(phrase)
    return True


def _thing_at(tokens: list[str], at: int, table: Lexicon) -> bool:
    return any(not _is_scenery(phrase) and table.find(phrase) is not None for _, phrase in _phrases(tokens, at))


def _take_phrase(tokens: list[str], at: int, phrase: str, state: _State) -> bool:
    """Take a relation or a setting: how things stand, where, how many, in which style."""
    if phrase in _RELATIONS and not _names_place(tokens, at):
        state.relation = _RELATIONS[phrase] if state.wanted else ""
        return True
    if _take_setting(phrase, state):
        state.known.append(phrase)
        return True
    return False


def _phrases(tokens: list[str], at: int) -> Iterator[tuple[int, str]]:
    for length in range(min(LONGEST, len(tokens) - at), 0, -1):
        part = tokens[at : at + length]
        if "," not in part:
            yield length, " ".join(part)


def _names_place(tokens: list[str], at: int) -> bool:
    """Whether a preposition begins a place: in the sky, under the sea."""
    return any(phrase in PLACES and length > 1 for length, phrase in _phrases(tokens, at))


def _take_setting(phrase: str, state: _State) -> bool:
    if phrase in PLACES:
        place, said = PLACES[phrase]
        state.place = place or state.place
        state.scene += said.split()
        return True
    if phrase in _STYLE_OF:
        state.style = _STYLE_OF[phrase]
        return True
    if phrase in _COUNTS:
        state.count = _COUNTS[phrase]
        return True
    return False


def _is_scenery(phrase: str) -> bool:
    """Whether the starter's own composer has the word as scenery, not as a thing."""
    own = words.canonical(phrase)
    return (
        own is not None and own not in words.THINGS and own not in words.COLOURS and own not in ("pattern", "picture")
    )


def _take_word(tokens: list[str], at: int, state: _State) -> bool:
    word = tokens[at]
    own = words.canonical(word)
    if word in _SIZES:
        state.size = _SIZES[word]
    elif own in words.COLOURS and state.language in COLOUR_FOLLOWS and state.last_end == at:
        state.wanted[-1] = replace(state.wanted[-1], colour=str(own))
    elif own in words.COLOURS:
        state.colour = str(own)
    elif own in words.GROUPS["glue"] or word in _GLUE:
        if word in ("a", "an"):
            state.count = 1
        return True
    elif own is not None and own not in words.THINGS:
        state.scene += [state.colour, own] if state.colour else [own]
        state.colour = ""
    else:
        return False
    state.known.append(word)
    return True


def _add(state: _State, thing: Thing, phrase: str, begin: int, end: int) -> None:
    state.known.append(phrase)
    wanted = WantedThing(thing, phrase, state.colour, state.size, state.count, material=state.material)
    before = state.wanted[-1] if state.wanted else None
    if before is not None and begin == state.last_end and not state.relation:
        # "pizza castle", "chocolate cat": the first noun says what the second one is made of.
        if before.thing.category in ("food", "plant", "nature", "object", "sky"):
            wanted = replace(wanted, made_of=before.thing, colour=before.colour, size=before.size, count=before.count)
        state.wanted.pop()
        if state.relations:
            state.relation = state.relations.pop()
    if before is not None and state.relation == MADE_OF:
        state.wanted[-1] = replace(before, made_of=thing)
    elif len(state.wanted) < MOST:
        if state.wanted:
            state.relations.append(_fitting(state.relation, thing))
        state.wanted.append(wanted)
    state.first_thing = begin if state.first_thing < 0 else state.first_thing
    state.colour, state.size, state.count, state.relation, state.last_end = "", "", 1, "", end
    state.material = ""


def _fitting(relation: str, thing: Thing) -> str:
    """The relation that is meant: in a hat is wearing it, with a hat too."""
    if thing.category == "clothing" and relation in (IN, BESIDE, HOLDING):
        return WEARING
    return relation or BESIDE


def _miss(word: str, at: int, state: _State, table: Lexicon) -> None:
    if word not in table.otherwise and not word.isdigit() and len(word) > 1:
        state.unknown.append((at, word))


def _finish(text: str, tokens: list[str], state: _State, table: Lexicon) -> PromptReading:
    unknown = tuple(dict.fromkeys(word for _, word in state.unknown))
    own = (
        all(words.canonical(word) is not None for word in split(text) if word.isalnum())
        and not any(word in _COUNTS for word in tokens)
        and not state.place
        and not any(one.material for one in state.wanted)
    )
    return PromptReading(
        wanted=tuple(state.wanted),
        relations=tuple(state.relations),
        scene=(*state.scene, state.colour) if state.colour else tuple(state.scene),
        place=state.place,
        style=state.style,
        known=tuple(dict.fromkeys(state.known)),
        unknown=unknown,
        subject=_missed_subject(state),
        is_own=own,
        suggestions={word: table.suggest(word) for word in unknown},
    )


def _missed_subject(state: _State) -> str:
    """The unknown word that the picture should be of: the first one, where no thing comes before it."""
    if not state.unknown:
        return ""
    at, word = state.unknown[0]
    return word if not state.wanted or at < state.first_thing else ""
