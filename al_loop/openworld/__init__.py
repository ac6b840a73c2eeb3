"""Groups of texts that may be classes nobody has named: what tells them apart, and their names."""
