"""Prompt to picture: VQGAN+CLIP as a stream of events."""
