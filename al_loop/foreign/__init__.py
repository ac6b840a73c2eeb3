"""Query strategies of other libraries, named in config.toml by where they are.

`names` imports what a name like ``package.module:function`` means; `adapt` tells what kind of
thing that is; `modal` and `skactiveml` make it a strategy under our contract.
"""
