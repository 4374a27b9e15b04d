"""Animals that some artists drew as a head and others whole, read off the drawings by eye. Standard library only."""

WHOLE: dict[str, tuple[str, ...]] = {
    "gorilla": ("noto", "fluent"),
    "raccoon": ("noto",),
    "deer": ("noto", "fluent"),
    "boar": ("noto", "noto-1"),
    "rhinoceros": ("noto", "fluent"),
    "koala": ("noto-1",),
    "chicken": ("noto-1",),
    "cricket": ("noto", "fluent"),
}
"""Thing -> the artists who drew the whole animal; the third cricket is a bat and a ball.

Of bear, fox, frog, hamster, lion, moose, panda, polar bear, unicorn and wolf there are heads alone.
"""
