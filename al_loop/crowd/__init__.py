"""What several people's labels of the same texts add up to: arrays in, arrays out."""
