"""Why settings of Pi-hole are left, by the beginning of their path or by their key."""

_CACHE = "see cache in keyhole.yaml"
_LISTEN = "see listen and clients in keyhole.yaml"
_WEB = "it configures Pi-hole's web server; see api in keyhole.yaml for Keyhole's"
_LOG = "see log in keyhole.yaml"
_NAMES = "Keyhole does not look up names of clients; a Client document names one"
_DHCP = "Keyhole is no DHCP server; use the router's"
_OWN = "it configures Pi-hole's own programs; see keyhole.yaml for Keyhole's"
_NTP = "Keyhole is no time server"
_ADDRESS = "it is an address of Pi-hole's own names, such as pi.hole"
_LIMITS = "Keyhole limits connections, not queries per client; see limits in keyhole.yaml"
_VALIDATE = "write validate: on under upstreams of the policy"
_BUSY = "Keyhole decides from memory, and is never without its lists"
_SUBNET = "Keyhole does not identify clients by a client subnet"

REASONS = {
    "dns.cache": _CACHE,
    "dns.blockESNI": "Keyhole blocks a name alone; encrypted SNI of today needs no such name",
    "dns.showDNSSEC": _VALIDATE,
    "dns.analyzeOnlyAandAAAA": "Keyhole records queries of all types",
    "dns.piholePTR": _ADDRESS,
    "dns.replyWhenBusy": _BUSY,
    "dns.domain": "names of one label are not completed; write the whole name in a Record",
    "dns.interface": _LISTEN,
    "dns.listeningMode": _LISTEN,
    "dns.port": _LISTEN,
    "dns.localise": "a Record answers all clients in the same way",
    "dns.queryLogging": _LOG,
    "dns.blocking.edns": "Keyhole always adds an extended error (RFC 8914)",
    "dns.reply.host": _ADDRESS,
    "dns.reply.blocking": "it is the address for blocking mode IP, which is not set",
    "dns.rateLimit": _LIMITS,
    "dhcp": _DHCP,
    "ntp": _NTP,
    "resolver": _NAMES,
    "database": "Keyhole keeps its own query history; see log in keyhole.yaml",
    "webserver": _WEB,
    "files": _OWN,
    "misc.etc_dnsmasq_d": "files of dnsmasq are not imported; write documents for what you need",
    "misc": _OWN,
    "debug": _OWN,
}

SETUP_REASONS = {
    "ADMIN_EMAIL": _WEB,
    "API_EXCLUDE_CLIENTS": _WEB,
    "API_EXCLUDE_DOMAINS": _WEB,
    "API_PRIVACY_MODE": _WEB,
    "API_QUERY_LOG_SHOW": _WEB,
    "BLOCKING_ENABLED": _OWN,
    "CACHE_SIZE": _CACHE,
    "CONDITIONAL_FORWARDING": "it forwards some names, and is off",
    "DHCP_END": _DHCP,
    "DHCP_IPv6": _DHCP,
    "DHCP_LEASETIME": _DHCP,
    "DHCP_ROUTER": _DHCP,
    "DHCP_START": _DHCP,
    "DHCP_rapid_commit": _DHCP,
    "DNSMASQ_LISTENING": _LISTEN,
    "DNS_BOGUS_PRIV": "Keyhole always answers names of private addresses by itself (RFC 6303)",
    "DNS_FQDN_REQUIRED": "Keyhole also sends names of one label to upstreams",
    "FTLPORT": _OWN,
    "INSTALL_WEB_INTERFACE": _WEB,
    "INSTALL_WEB_SERVER": _WEB,
    "IPV4_ADDRESS": _LISTEN,
    "IPV6_ADDRESS": _LISTEN,
    "LIGHTTPD_ENABLED": _WEB,
    "LOCAL_IPV4": _ADDRESS,
    "LOCAL_IPV6": _ADDRESS,
    "PIHOLE_INTERFACE": _LISTEN,
    "QUERY_LOGGING": _LOG,
    "REV_SERVER": "it forwards some names, and is off",
    "TEMPERATUREUNIT": _WEB,
    "WEBPASSWORD": _WEB,
    "WEBTHEME": _WEB,
    "WEBUIBOXEDLAYOUT": _WEB,
    "WEB_ENABLED": _WEB,
    # pihole-FTL.conf
    "AAAA_QUERY_ANALYSIS": "Keyhole records queries of all types",
    "ANALYZE_ONLY_A_AND_AAAA": "Keyhole records queries of all types",
    "BLOCK_ESNI": "Keyhole blocks a name alone; encrypted SNI of today needs no such name",
    "CNAME_DEEP_INSPECT": "Keyhole always checks what an alias leads to",
    "EDNS0_ECS": _SUBNET,
    "IGNORE_LOCALHOST": "Keyhole records queries of all clients; see log of a Policy",
    "NAMES_FROM_NETDB": _NAMES,
    "PARSE_ARP_CACHE": _NAMES,
    "PIHOLE_PTR": _ADDRESS,
    "RATE_LIMIT": _LIMITS,
    "REFRESH_HOSTNAMES": _NAMES,
    "REPLY_WHEN_BUSY": _BUSY,
    "RESOLVE_IPV4": _NAMES,
    "RESOLVE_IPV6": _NAMES,
    "SHOW_DNSSEC": _VALIDATE,
    "": _OWN,
}
"""For ``setupVars.conf`` and ``pihole-FTL.conf``."""
