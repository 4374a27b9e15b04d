"""For whoever watches over a server: health, numbers, log, room; and whether an address leads to it."""
