"""Suggestions for misspelled words."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word most similar to ``word``; none if no word is similar."""
    plain = {_plain(one): one for one in valid}
    # Swapped letters are the most common mistake, and the similarity below rates them too low.
    swapped = [one for one in plain if sorted(one) == sorted(_plain(word))]
    found = swapped or get_close_matches(_plain(word), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def suggest(word: str, valid: Iterable[str]) -> str:
    """The end of an error message: the nearest valid word, or else the valid words."""
    words = list(valid)
    meant = nearest(word, words)
    if meant is not None:
        return f"did you mean {meant}?"
    if not words:
        return "there is none"
    if len(words) > 12:
        return f"valid are {', '.join(words[:12])} and {len(words) - 12} more"
    return f"valid {'is' if len(words) == 1 else 'are'} {', '.join(words)}"


def not_valid(word: str, valid: Iterable[str]) -> str:
    """What is wrong with a word that is not one of ``valid``, and what would be right."""
    return f"{word[:60]} is not valid here; {suggest(word, valid)}"
