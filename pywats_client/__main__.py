"""`python -m pywats_client` is `pywats-client`."""

from pywats_client.cli.main import main

main()
