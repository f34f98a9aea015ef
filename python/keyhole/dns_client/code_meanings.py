"""The meanings of DNS codes."""

import dns.edns
import dns.message
import dns.rcode

RCODES = {
    dns.rcode.NOERROR: "the name exists",
    dns.rcode.FORMERR: "the server could not read the question",
    dns.rcode.SERVFAIL: "the server could not get an answer",
    dns.rcode.NXDOMAIN: "the name does not exist, or is blocked",
    dns.rcode.NOTIMP: "the server does not support this operation",
    dns.rcode.REFUSED: "the server refuses to answer this",
    dns.rcode.BADVERS: "the server does not know this version of EDNS",
    dns.rcode.BADCOOKIE: "the server requires a valid cookie",
}

# RFC 8914 section 4, and its registry.
EXTENDED_ERRORS = {
    0: "some other error",
    1: "the zone is signed with an algorithm that the server does not know",
    2: "the zone's DS uses a digest that the server does not know",
    3: "an expired answer, served because no fresh one is available",
    4: "the answer was forged by policy",
    5: "it is not known whether the answer is genuine",
    6: "the signatures of the answer are wrong",
    7: "the signatures of the answer have expired",
    8: "the signatures of the answer are not valid yet",
    9: "a signing key is missing",
    10: "a signature is missing",
    11: "a key is not a zone key",
    12: "the proof that the name does not exist is missing",
    13: "it failed a moment ago, and the failure is cached",
    14: "the server is not ready",
    15: "blocked by the policy of this server",
    16: "blocked on the demand of a third party",
    17: "filtered, as you or your administrator asked",
    18: "you may not ask this here",
    19: "an expired NXDOMAIN, served because no fresh answer is available",
    20: "this server is not responsible for the name",
    21: "the server does not support this question",
    22: "no upstream could be reached or gave an answer",
    23: "an upstream could not be reached, or its answer was malformed",
    24: "the zone's data is invalid",
    25: "the signature expired before it became valid",
    26: "too early",
    27: "the zone asks for more NSEC3 work than the server does",
    28: "the policy of the server cannot be fetched",
    29: "the answer was synthesized",
}

_PROHIBITED = 18

# Why Keyhole refuses a client: the text of its extended error is the reason.
NOT_SERVED = {
    "no_identity": "the server requires an identity: give --cert and --key, or --token-file; "
    "over DoH it may not ask for certificates, so use +tls or its listener that asks",
    "unreadable_identity": "the server cannot read an identity from the credentials",
    "unknown_token": "the server does not know this token",
    "identity_revoked": "our identity has been revoked",
    "identity_untrusted": "the server no longer trusts the authority that signed our certificate",
    "identity_expired": "our certificate has expired and must be renewed",
    "no_policy": "no policy of the server applies to this client",
    "network_not_served": "the server does not serve the network of this client",
    "denied_by_default": "this client may ask only certain names, and not this one",
}


def extended_errors(message: dns.message.Message) -> list[dict[str, str | int]]:
    """The extended DNS errors of a message: code, meaning, and the server's text."""
    return [
        {
            "code": int(option.code),
            "meaning": _meaning(int(option.code), option.text or ""),
            "text": option.text or "",
        }
        for option in message.options
        if isinstance(option, dns.edns.EDEOption)
    ]


def _meaning(code: int, text: str) -> str:
    if code == _PROHIBITED and text in NOT_SERVED:
        return NOT_SERVED[text]
    return EXTENDED_ERRORS.get(code, "unknown to this version")


def rcode_meaning(message: dns.message.Message) -> str:
    """The meaning of the response code."""
    rcode = message.rcode()
    if rcode == dns.rcode.NOERROR and not message.answer:
        return "the name exists, but not with this type"
    return RCODES.get(rcode, "an unusual response")
