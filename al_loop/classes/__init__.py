"""Change the classes of a workspace and of its live project: each change is a version.

`changing` (add, rename, merge, describe), `deciding` (accept and reject what people or groups of
texts ask for), `splitting`; `proposals` groups what people asked for by meaning, `names` finds
what was typed, `live` makes a change and brings the labeling page up to date.
"""
