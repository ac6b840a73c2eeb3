"""`python -m al_loop` is `al-loop`."""

from al_loop.cli import main

main()
