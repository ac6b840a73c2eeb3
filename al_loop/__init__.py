"""The active-learning labeling loop: see docs/architecture.md for what lies where."""
