"""``/profiles``: settings for devices and programs, so that they use this Keyhole."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.pagination import Page
from keyhole.api.principal import Administrator, Viewer
from keyhole.api.request_body import RequestBody
from keyhole.control.profile import (
    ROOTS_ELSEWHERE,
    ProfileRequest,
    make_server_profile,
    offered_profiles,
)
from keyhole.identity.ca_files import read_bundle
from keyhole.identity.sign import certificate_pem

router = APIRouter(prefix="/profiles", tags=["profiles"])


class ProfileKind(BaseModel):
    """A kind of profile."""

    kind: str = Field(description="The word for it, as in keyhole profile.")
    title: str = Field(description="The device or program that it is for.")
    file: str | None = Field(description="Where its file belongs; null if it is not possible.")
    why_not: str | None = Field(
        description="Why it is not possible with the settings, and what would be right; null if "
        "it is possible."
    )


class ProfileCreate(RequestBody):
    """The profile to make."""

    kind: str = Field(min_length=1, max_length=63, description="One of the kinds.")
    token: str | None = Field(
        None,
        max_length=64,
        description="The token of the device: its 32 characters, which are in the profile then.",
    )
    address: str | None = Field(
        None, max_length=64, description="Address of Keyhole; by default from the settings."
    )
    name: str | None = Field(
        None, max_length=253, description="Name in the certificate; by default from the settings."
    )


class ProfileCreated(BaseModel):
    """A profile. It holds the token, so nobody else may have it."""

    kind: str = Field(description="The kind.")
    text: str = Field(description="The text of the file.")
    file: str = Field(description="Where the file belongs, or how it is called.")
    notes: list[str] = Field(description="What to know, and what to do with it.")
    roots: str = Field(description="The root certificates of this Keyhole as PEM.")
    roots_file: str = Field(description="Where programs look for them.")


@router.get("")
def list_profiles(services: RunningServices, _: Viewer) -> Page[ProfileKind]:
    """Lists the kinds of profile, and which are possible with the settings."""
    found = offered_profiles(services.settings, services.data)
    return Page(items=[ProfileKind(**vars(one)) for one in found])


@router.post("")
def create_profile(
    services: RunningServices, _: Administrator, body: ProfileCreate
) -> ProfileCreated:
    """Makes a profile. Nothing of it is kept."""
    request = ProfileRequest(
        body.kind, body.token, None, body.address, body.name, roots=ROOTS_ELSEWHERE
    )
    made = make_server_profile(services.settings, services.data, request)
    return ProfileCreated(
        kind=body.kind,
        text=made.text,
        file=made.file,
        notes=list(made.notes),
        roots=certificate_pem(*read_bundle(services.data.identity)).decode(),
        roots_file=str(ROOTS_ELSEWHERE),
    )
