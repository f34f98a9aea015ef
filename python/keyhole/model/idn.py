"""Internationalized names: UTS 46, nontransitional, by the package idna."""

import idna

_PREFIX = "xn--"
_JOINERS = "\u200c\u200d"


def to_ascii(name: str) -> str:
    """The name in lower case, labels with other letters than ASCII as A-labels.

    Raises ValueError with the label that is none. What ASCII a name may hold is not checked.
    """
    if name.isascii():
        return name.lower()
    try:
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
    except idna.IDNAError:
        raise ValueError(f"{name[:80]} holds letters that no name has (UTS 46)") from None
    return ".".join(_label(label) for label in mapped.split("."))


def fold(text: str) -> str:
    """The form in which names are compared; a text that is no name is only put in lower case."""
    try:
        return to_ascii(text)
    except ValueError:
        return text.lower()


def to_unicode(name: str) -> str:
    """The name with U-labels, for people; a label that is no A-label stays as it is."""
    return ".".join(_readable(label) for label in name.split("."))


def _label(label: str) -> str:
    if label.isascii():
        return label
    try:
        # The validity criteria of UTS 46 section 4.1. Those of IDNA 2008 are stricter: they refuse
        # names that are registered, such as those of emoji.
        idna.check_nfc(label)
        idna.check_initial_combiner(label)
        idna.check_bidi(label)
        joined = [at for at, letter in enumerate(label) if letter in _JOINERS]
        if not all(idna.valid_contextj(label, at) for at in joined) or label.startswith(_PREFIX):
            raise ValueError
        return _PREFIX + label.encode("punycode").decode("ascii")
    except ValueError:  # the errors of idna are ValueErrors
        raise ValueError(
            f"the label {label[:63]} cannot be an internationalized label (UTS 46)"
        ) from None


def _readable(label: str) -> str:
    if not label.startswith(_PREFIX):
        return label
    try:
        text = label.removeprefix(_PREFIX).encode("ascii").decode("punycode")
        return text if text.isprintable() and to_ascii(text) == label else label
    except ValueError:
        return label
