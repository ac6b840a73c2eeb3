"""What the workspace says about itself. Reads the store, changes nothing."""
