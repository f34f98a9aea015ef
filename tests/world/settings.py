"""Settings as a person would write them, and what is said of them."""

from pathlib import Path

from keyhole.config import load_config
from keyhole.errors import DocumentErrors


def wrong_with(folder: Path, text: str) -> str:
    """What is wrong with the text as keyhole.yaml of this folder; nothing if it is good."""
    (folder / "keyhole.yaml").write_text(text)
    try:
        load_config(folder / "keyhole.yaml")
    except DocumentErrors as error:
        return str(error)
    return ""
