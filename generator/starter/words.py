"""The starter's language: canonical words, their aliases, tokens, and sure-fire prompts. Standard library only."""

import difflib
import re
from collections.abc import Iterable

COLOURS = (
    "red",
    "orange",
    "yellow",
    "green",
    "turquoise",
    "blue",
    "purple",
    "pink",
    "brown",
    "white",
    "gray",
    "black",
)
SHAPES = ("circle", "square", "triangle", "star", "heart", "diamond", "ring", "cross", "crescent")
THINGS = ("house", "tree", "boat", "castle", "cactus", "balloon", "fish", "flower", "mushroom")
OBJECTS = SHAPES + THINGS
SKIES = ("day", "sunset", "night", "storm", "pink", "purple", "green")
GROUNDS = ("sea", "meadow", "desert", "snow")
BACKS = ("none", "mountains", "hills", "forest", "city")
LIGHTS = ("none", "sun", "moon")
PATTERNS = ("plain", "stripes", "checkerboard", "dots", "gradient")
STYLES = ("plain", "pixel", "pastel", "neon", "sketch")

# Words that carry meaning, by group; the order is the token order, so append only.
GROUPS: dict[str, tuple[str, ...]] = {
    "colours": COLOURS,
    "objects": OBJECTS,
    "skies and times": ("sky", "daylight", "sunset", "night", "storm", "sunny", "evening"),
    "grounds": ("sea", "meadow", "desert", "snow"),
    "behind": ("mountains", "hills", "forest", "city"),
    "in the sky": ("sun", "moon", "stars", "clouds", "lightning", "rainbow"),
    "patterns": ("stripes", "checkerboard", "dots", "gradient", "pattern", "background"),
    "styles": ("pixel", "pastel", "neon", "sketch"),
    "sizes and places": ("big", "small", "left", "right", "middle", "above", "under", "over", "front", "behind"),
    "qualities": ("dark", "bright", "calm", "full", "clear", "snowy", "low", "high", "cloudy", "two"),
    "glue": (
        "a",
        "the",
        "on",
        "in",
        "at",
        "of",
        "with",
        "and",
        "by",
        "to",
        "no",
        "style",
        "art",
        "colours",
        "picture",
        ",",
    ),
}
PAD, UNKNOWN, END = 0, 1, 2
WORDS: tuple[str, ...] = tuple(word for group in GROUPS.values() for word in group)
TOKEN_COUNT = len(WORDS) + 3
CONTEXT = 32

# Synonyms are folded here rather than learned: a thesaurus costs nothing and never forgets.
_ALIASES: dict[str, str] = {
    "red": "crimson scarlet ruby maroon reddish",
    "orange": "amber tangerine",
    "yellow": "golden gold",
    "green": "emerald lime olive greenish",
    "turquoise": "teal cyan aqua",
    "blue": "azure navy cobalt indigo bluish",
    "purple": "violet lilac lavender magenta mauve",
    "pink": "rosy",
    "brown": "tan",
    "white": "ivory",
    "gray": "grey silver",
    "black": "ebony",
    "circle": "disc disk ball circles dot round",
    "square": "box block squares",
    "triangle": "triangles",
    "heart": "hearts love",
    "diamond": "rhombus diamonds gem",
    "ring": "hoop donut rings",
    "cross": "plus crosses",
    "crescent": "crescents",
    "house": "cottage cabin home hut houses farm barn villa",
    "tree": "oak trees",
    "boat": "sailboat yacht boats sailing",
    "castle": "fortress palace castles",
    "cactus": "cacti cactuses",
    "balloon": "balloons airship",
    "fish": "fishes",
    "flower": "daisy flowers blossom",
    "mushroom": "toadstool mushrooms fungus",
    "sky": "heaven heavens skies",
    "daylight": "day daytime noon midday",
    "sunset": "sundown dusk twilight sunrise dawn",
    "evening": "evenings",
    "night": "midnight nighttime nights nocturnal",
    "storm": "stormy thunderstorm tempest thunder storms",
    "sunny": "sunlit sunshine",
    "sea": "ocean water waves lake seas beach oceans river coast",
    "meadow": "grass field lawn fields meadows grassland prairie grassy",
    "desert": "dunes sand sandy sahara deserts dune",
    "snow": "winter arctic",
    "snowy": "icy frozen wintry",
    "mountains": "mountain peaks alps peak",
    "hills": "hill",
    "forest": "woods forests woodland jungle",
    "city": "skyline skyscrapers town buildings cityscape",
    "moon": "moonlight moonlit",
    "stars": "starry starlit",
    "clouds": "cloud",
    "lightning": "flash bolt",
    "stripes": "striped stripe bands lines",
    "checkerboard": "chessboard checkered checks chequered",
    "dots": "polka dotted spots",
    "gradient": "fade blend",
    "pattern": "patterns wallpaper texture",
    "background": "backdrop",
    "pixel": "8 bit 8bit pixelated pixels retro",
    "pastel": "soft pale",
    "neon": "glowing cyberpunk synthwave vaporwave",
    "sketch": "pencil drawing drawn ink",
    "big": "large huge giant great",
    "small": "little tiny mini",
    "middle": "center centre",
    "above": "atop",
    "under": "below beneath",
    "over": "across",
    "behind": "beyond",
    "dark": "gloomy black-out",
    "bright": "shining vivid brilliant",
    "calm": "quiet peaceful still",
    "a": "an one some",
    "the": "this that",
    "in": "inside within during",
    "on": "upon onto",
    "with": "having",
    "by": "near beside",
    "colours": "colors coloured colored",
    "picture": "painting image photo artwork poster illustration beautiful dreamy trippy surreal scene landscape view",
}
ALIASES: dict[str, str] = {alias: word for word, aliases in _ALIASES.items() for alias in aliases.split()}
_FORMER = {
    "goldfish": "fish", "whale": "fish", "tower": "castle", "volcano": "mountains", "ice": "snow", "tulip": "flower",
    "sunflower": "flower", "rose": "pink", "salmon": "pink", "lemon": "yellow", "chocolate": "brown", "ship": "boat",
    "ships": "boat", "vessel": "boat",
}  # fmt: skip
"""Synonyms of the first starter that were none: a whale is no fish. Its recipes are still read with them."""
_INDEX = {word: index + 3 for index, word in enumerate(WORDS)}
_SPLIT = re.compile(r"[a-z0-9]+|,")

EXAMPLES: tuple[str, ...] = (
    "sunset over the sea",
    "a starry night over the sea with the moon",
    "a red house on a meadow under a blue sky",
    "a castle in the snow at night",
    "purple mountains under a pink sky",
    "a green cactus in the desert at sunset",
    "a white boat on the sea at sunset",
    "a neon city at night with the moon",
    "a big red heart on a white background",
    "blue and yellow stripes",
    "a stormy sea with lightning",
    "pixel art of a tree on a meadow in daylight",
    "a yellow star on a blue background",
    "a red balloon over snowy mountains",
    "a rainbow over a meadow with hills",
    "a pastel picture of a pink flower on a meadow",
)


def split_words(text: str) -> list[str]:
    """Lower-case words and commas of `text`, in order."""
    return _SPLIT.findall(text.lower())


def canonical(word: str, *, former: bool = False) -> str | None:
    """The starter's own word for `word`, or None when it knows none; a plural or possessive s is forgiven.

    former: with the synonyms of the first starter.
    """
    for form in (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("y")):
        if form in _INDEX:
            return form
        if form in ALIASES:
            return ALIASES[form]
        if former and form in _FORMER:
            return _FORMER[form]
    return None


def tokens(text: str, *, former: bool = False) -> list[int]:
    """Token ids of `text`, closed by END, cut and padded to CONTEXT; former as in `canonical`."""
    ids = [_INDEX.get(canonical(word, former=former) or "", UNKNOWN) for word in split_words(text) if word != "s"]
    ids = [*ids[: CONTEXT - 1], END]
    return ids + [PAD] * (CONTEXT - len(ids))


def unknown_words(text: str, *, suggestions: int = 3) -> dict[str, list[str]]:
    """Words of `text` the starter does not know, each with the known words nearest in spelling."""
    unknown = [word for word in split_words(text) if word != "s" and canonical(word) is None]
    return {word: near_in_spelling(word, suggestions) for word in unknown}


def near_in_spelling(word: str, suggestions: int = 3) -> list[str]:
    """The starter's own words that are spelt most like a word."""
    known = [*(word for word in WORDS if len(word) > 2), *ALIASES]
    return difflib.get_close_matches(word, known, n=suggestions, cutoff=0.6)


def vocabulary() -> dict[str, list[str]]:
    """Group -> words a prompt may use, the aliases behind their word: `sea (ocean, water …)` is left to the caller."""
    return {group: list(words) for group, words in GROUPS.items() if group != "glue"}


def aliases_of(words: Iterable[str]) -> dict[str, list[str]]:
    """Known word -> its synonyms, for the words that have any."""
    return {word: _ALIASES[word].split() for word in words if word in _ALIASES}


def example_prompts() -> tuple[str, ...]:
    """Prompts the starter draws well; the first one is the README's."""
    return EXAMPLES
