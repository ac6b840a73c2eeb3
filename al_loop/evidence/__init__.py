"""What speaks for and against labels: arrays in, arrays out."""
