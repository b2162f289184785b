"""What apps, scripts and notebooks import. Where nothing is configured, importing it sets Roost up."""

from .setup import set_up

set_up()
