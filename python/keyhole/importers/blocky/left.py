"""Why settings of blocky are left, by the beginning of their path."""

_CACHE = "see cache in keyhole.yaml"
_LISTEN = "see listen in keyhole.yaml"
_TLS = "see tls in keyhole.yaml"
_DOWNLOADS = "see downloads in keyhole.yaml; a list that fails is downloaded again by itself"
_LOG = "see log in keyhole.yaml; Keyhole keeps its query log itself"
_MESSAGES = "the service manager keeps what the processes print"
_NAMES = "Keyhole does not look up names of clients; a Client document names one"

REASONS = {
    "blocking.loading": _DOWNLOADS,
    "blocking.downloadTimeout": _DOWNLOADS,
    "blocking.downloadAttempts": _DOWNLOADS,
    "blocking.downloadCooldown": _DOWNLOADS,
    "blocking.startStrategy": _DOWNLOADS,
    "blocking.failStartOnListError": _DOWNLOADS,
    "blocking.maxErrorsPerFile": "Keyhole skips lines that it cannot read, and counts them",
    "blocking.maxErrorsPerSource": "Keyhole skips lines that it cannot read, and counts them",
    "blocking.processingConcurrency": _DOWNLOADS,
    "bootstrapDns": "not needed: every Upstream lists its addresses",
    "caching": _CACHE,
    "certFile": _TLS,
    "keyFile": _TLS,
    "minTlsServeVersion": "Keyhole serves TLS 1.2 and 1.3",
    "clientLookup.clients": "no other setting names this client",
    "clientLookup.upstream": _NAMES,
    "clientLookup.singleNameOrder": _NAMES,
    "conditional.fallbackUpstream": "no other upstream is asked for a name that has upstreams of "
    "its own; give a second one the same domains",
    "connectIPVersion": "Keyhole connects to the addresses that an Upstream lists",
    "dns64": "Keyhole does not synthesize addresses",
    "dnssec": "write validate: on under upstreams of the policy",
    "ecs": "Keyhole does not send client subnets to upstreams",
    "fqdnOnly": "Keyhole also sends names of one label to upstreams",
    "hostsFile.refreshPeriod": "only hosts inside config.yml are imported",
    "hostsFile.loading": "only hosts inside config.yml are imported",
    "http3": "Keyhole serves HTTP/2 and HTTP/1.1",
    "log": _MESSAGES,
    "logLevel": _MESSAGES,
    "logFormat": _MESSAGES,
    "logTimestamp": _MESSAGES,
    "ports": _LISTEN,
    "port": _LISTEN,
    "tlsPort": _LISTEN,
    "httpPort": _LISTEN,
    "httpsPort": _LISTEN,
    "prometheus": "Keyhole has no such setting yet",
    "queryLog": _LOG,
    "rateLimit": "Keyhole limits connections, not queries per client; see limits in keyhole.yaml",
    "redis": "Keyhole needs no other service",
    "specialUseDomains": "Keyhole always answers special-use names by itself (RFC 6761)",
    "startVerifyUpstream": "Keyhole starts without its upstreams, and asks them once they answer",
    "upstreams.init": "Keyhole starts without its upstreams, and asks them once they answer",
    "upstreams.startVerify": "Keyhole starts without its upstreams, and asks them once they answer",
    "upstreams.quic": "Keyhole asks upstreams over TLS and HTTPS, not over QUIC",
    "upstreams.userAgent": "Keyhole sends no user agent",
}
