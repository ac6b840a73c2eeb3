"""Start from a Label Studio project that is there already.

`source` reads it, from the server or from a file; `place` brings its tasks into the database;
`run` does it all in one transaction. It can be run again: then it takes over what was answered
or changed there since.
"""
