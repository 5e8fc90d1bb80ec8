"""Placeholder until the pages are here."""
from pathlib import Path
FOLDER = Path(__file__).parent
def attach(app):
    pass
