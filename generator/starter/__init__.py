"""How the starter weights are made: a procedural world, training, an independent judge."""
