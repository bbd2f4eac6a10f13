"""`python -m aas_server` is `aas-server`."""

from aas_server.cli import main

main()
