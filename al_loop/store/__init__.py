"""The workspace database. Only this package and `migrations` contain SQL.

`core` opens the file and makes transactions; the other modules are functions over an open
`Store`, one file a subject: `items`, `rounds`, `tasks`, `answers`, `results`, `checks`.
"""

from al_loop.store.core import Store, open_store

__all__ = ["Store", "open_store"]
