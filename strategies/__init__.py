"""Query strategies: pure functions over arrays. Imports nothing from al_loop."""
