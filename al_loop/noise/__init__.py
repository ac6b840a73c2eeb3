"""Labels that look wrong, and what becomes of them: sent to another person."""
