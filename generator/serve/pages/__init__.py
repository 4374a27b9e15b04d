"""Pages, rendered here: what every page has, and those of the circle, of a picture and of the owner."""
