"""The use case behind ``keyhole identity rotate``."""

import enum
from dataclasses import dataclass

from keyhole.control.data_folder import DataFolder
from keyhole.control.identity import open_authority
from keyhole.control.settings import Settings
from keyhole.identity import rotation
from keyhole.identity.journal import Author
from keyhole.identity.sign import fingerprint


class Step(enum.Enum):
    """A step of the rotation of the root."""

    PREPARE = "prepare"
    SIGN = "sign"
    FINISH = "finish"


@dataclass(frozen=True)
class RotationResult:
    """The step done, and the next one."""

    phase: str
    done: str
    then: str


def rotate(
    settings: Settings,
    data: DataFolder,
    step: Step,
    *,
    force: bool,
    author: Author | None = None,
) -> RotationResult:
    """Does one step; raises ``IdentityError`` if it is too early for it."""
    open_authority(settings, data)
    folder = data.identity
    if step is Step.PREPARE:
        root = rotation.prepare(folder, author=author)
        done = f"the root {fingerprint(root)[:16]} is trusted beside the one that signs"
        then = (
            "give clients the time to renew, and other servers the new bundle.pem; then keyhole "
            "identity rotate --sign"
        )
    elif step is Step.SIGN:
        authority = rotation.switch(folder, author=author)
        done = f"the root {fingerprint(authority.certificate)[:16]} signs from now on"
        then = "give clients the time to renew; then keyhole identity rotate --finish"
    else:
        count = rotation.finish(folder, force=force, author=author)
        done = f"{count} old root{'s are' if count != 1 else ' is'} trusted no longer"
        then = "nothing is left to do"
    return RotationResult(rotation.phase(folder).value, done, then)
