"""Films: a run as a time-lapse, a chain of runs that zooms, turns and pans, a video painted anew."""
