"""From a file to checked records: readers, choice of columns, checks of cells, identity.

`open_table` finds the reader, `choose` the columns, `Checker` judges each row, and `text`
says which texts and labels are the same. Nothing here knows the database.
"""
