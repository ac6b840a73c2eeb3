"""The labels and where each comes from, in the formats that others read.

`rows` makes one stream of records; each other module writes it in one format. Nothing here
holds more than a batch of rows in memory.
"""
