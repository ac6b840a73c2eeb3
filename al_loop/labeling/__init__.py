"""Labeling in the terminal: `form` and `draw` are pure, `screen` touches the terminal."""
