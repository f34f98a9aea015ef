"""Why settings of Unbound are left out; all that its manual has, and that are not converted."""

_RUN = "it is about running Unbound; Keyhole is run by keyhole up or by its service"
_LISTEN = "write it as listen in keyhole.yaml"
_CLIENTS = (
    "write the networks as clients in keyhole.yaml, and who gets what as subjects of a policy"
)
_TAGS = "write a policy for these clients: subjects, and a list or rules of its own"
_CACHE = "write it below cache in keyhole.yaml, where Keyhole has such a setting"
_LIMIT = "Keyhole has limits of its own; see limits in keyhole.yaml"
_TLS = "write it as tls in keyhole.yaml"
_RECURSION = "Keyhole asks upstreams, and no servers of zones"
_TRANSPORT = (
    "Keyhole asks each upstream as its document says, and never without encryption by itself"
)
_DNSSEC = "write validate below upstreams of a policy; Keyhole has the anchors of the root"
_EXEMPT = "write the domain below validate: {exempt: ...} in upstreams of a policy"
_EDNS = "Keyhole tells upstreams nothing about clients"
_LOG = "Keyhole has a query log of its own; see log in keyhole.yaml and in a policy"
_WIRE = "Keyhole does it as the RFCs say, without a setting"
_STUB = "Keyhole asks no authoritative server; write an Upstream with domains for one that resolves"
_AUTH = "Keyhole serves no zones; write a Record for each name that you need"
_VIEW = "write a policy with the clients of this view as its subjects"
_RPZ = "only the url of an RPZ is imported; write a List with the file, or with format rpz"
_MODULES = "Keyhole runs no programs of others in itself"
_SPECIAL = "Keyhole answers names of private addresses, or asks an Upstream that has their domains"
_ANSWER_ADDRESSES = "Keyhole changes no address in an answer; write a rule for the name"

_GROUPS = {
    _RUN: "chroot directory do-daemonize pidfile username use-systemd identity version "
    "hide-identity hide-version hide-trustanchor hide-http-user-agent http-user-agent "
    "num-threads so-rcvbuf so-reuseport so-sndbuf statistics-cumulative statistics-inhibit-zero "
    "statistics-interval extended-statistics nsid msg-buffer-size",
    _LISTEN: "interface ip-address port interface-automatic interface-automatic-ports https-port "
    "tls-port ssl-port tls-additional-port ip-dscp ip-freebind ip-transparent do-ip4 do-ip6 "
    "do-tcp do-udp http-endpoint http-notls-downstream proxy-protocol-port",
    _CLIENTS: "access-control interface-action",
    _TAGS: "access-control-tag access-control-tag-action access-control-tag-data "
    "access-control-view define-tag interface-tag interface-tag-action interface-tag-data "
    "interface-view local-zone-override local-zone-tag response-ip-tag",
    _CACHE: "cache-max-negative-ttl cache-max-ttl cache-min-ttl infra-cache-max-rtt "
    "infra-cache-min-rtt infra-cache-numhosts infra-cache-slabs infra-host-ttl infra-keep-probing "
    "key-cache-size key-cache-slabs msg-cache-size msg-cache-slabs neg-cache-size prefetch "
    "prefetch-key rrset-cache-size rrset-cache-slabs serve-expired serve-expired-client-timeout "
    "serve-expired-reply-ttl serve-expired-ttl serve-expired-ttl-reset serve-original-ttl "
    "ede-serve-expired",
    _LIMIT: "discard-timeout http-max-streams http-nodelay http-query-buffer-size "
    "http-response-buffer-size incoming-num-tcp ip-ratelimit ip-ratelimit-backoff "
    "ip-ratelimit-cookie ip-ratelimit-factor ip-ratelimit-size ip-ratelimit-slabs jostle-timeout "
    "max-query-restarts max-udp-size num-queries-per-thread outgoing-num-tcp outgoing-range "
    "ratelimit ratelimit-backoff ratelimit-below-domain ratelimit-factor ratelimit-for-domain "
    "ratelimit-size ratelimit-slabs stream-wait-size tcp-connection-limit tcp-idle-timeout "
    "tcp-mss edns-tcp-keepalive edns-tcp-keepalive-timeout wait-limit wait-limit-cookie "
    "wait-limit-cookie-netblock wait-limit-netblock edns-buffer-size delay-close "
    "sock-queue-timeout",
    _TLS: "tls-service-key tls-service-pem ssl-service-key ssl-service-pem tls-ciphers "
    "tls-ciphersuites tls-session-ticket-keys",
    _RECURSION: "caps-exempt caps-whitelist use-caps-for-id do-not-query-address "
    "do-not-query-localhost fast-server-num fast-server-permil harden-glue harden-large-queries "
    "harden-referral-path harden-short-bufsize harden-unknown-additional harden-unverified-glue "
    "iter-scrub-cname iter-scrub-ns iter-scrub-promiscuous max-global-quota max-sent-count "
    "outbound-msg-retry qname-minimisation qname-minimisation-strict root-hints "
    "target-fetch-policy unknown-server-time-limit disable-edns-do "
    "dns-error-reporting",
    _TRANSPORT: "max-reuse-tcp-queries outgoing-interface outgoing-port-avoid outgoing-port-permit "
    "outgoing-tcp-mss prefer-ip4 prefer-ip6 ssl-upstream tcp-auth-query-timeout "
    "tcp-reuse-timeout tcp-upstream tls-cert-bundle ssl-cert-bundle tls-system-cert tls-upstream "
    "tls-use-sni tls-win-cert udp-connect udp-upstream-without-downstream",
    _DNSSEC: "add-holddown aggressive-nsec auto-trust-anchor-file del-holddown "
    "disable-dnssec-lame-check harden-algo-downgrade harden-below-nxdomain "
    "harden-dnssec-stripped ignore-cd-flag keep-missing permit-small-holddown "
    "root-key-sentinel trust-anchor trust-anchor-file trust-anchor-signaling trusted-keys-file "
    "val-bogus-ttl val-clean-additional val-log-level val-max-restart "
    "val-nsec3-keysize-iterations val-override-date val-permissive-mode val-sig-skew-max "
    "val-sig-skew-min zonemd-permissive-mode",
    _EXEMPT: "domain-insecure",
    _EDNS: "client-subnet-always-forward client-subnet-zone edns-client-string "
    "edns-client-string-opcode max-client-subnet-ipv4 max-client-subnet-ipv6 "
    "max-ecs-tree-size-ipv4 max-ecs-tree-size-ipv6 min-client-subnet-ipv4 "
    "min-client-subnet-ipv6 send-client-subnet",
    _LOG: "log-destaddr log-identity log-local-actions log-replies log-servfail log-tag-queryreply "
    "log-thread-id log-time-ascii log-time-iso logfile use-syslog verbosity",
    _WIRE: "answer-cookie cookie-secret cookie-secret-file deny-any ede minimal-responses "
    "pad-queries pad-queries-block-size pad-responses pad-responses-block-size rrset-roundrobin "
    "secret-seed unwanted-reply-threshold",
    _SPECIAL: "insecure-lan-zones unblock-lan-zones",
    _ANSWER_ADDRESSES: "response-ip response-ip-data dns64-ignore-aaaa dns64-prefix dns64-synthall",
    _MODULES: "module-config ipsecmod-allow ipsecmod-enabled ipsecmod-hook ipsecmod-ignore-bogus "
    "ipsecmod-max-ttl ipsecmod-strict ipsecmod-whitelist ipset dlopen shm-enable shm-key",
    "give the folder with all files in place of the file; those of unbound.conf.d are read": (
        "include include-toplevel"
    ),
}
SECRETS = frozenset(["cookie-secret", "secret-seed", "edns-client-string"])
"""The keys whose values a report must not show."""
REASONS = {key: why for why, keys in _GROUPS.items() for key in keys.split()}
"""By key of the section ``server``."""
SECTIONS = {
    "stub-zone": _STUB,
    "auth-zone": _AUTH,
    "view": _VIEW,
    "rpz": _RPZ,
    "python": _MODULES,
    "dynlib": _MODULES,
    "remote-control": "commands reach Keyhole by a socket of its data folder, or by its API",
    "dnscrypt": "Keyhole serves DoT and DoH; DNSCrypt is not supported",
    "cachedb": "Keyhole keeps its cache in memory alone",
    "dnstap": "write it as dnstap in keyhole.yaml",
    "ipset": "Keyhole fills no sets of a firewall",
    "forward-zone": "Keyhole sends a domain to its Upstream, and never falls back to another",
}
"""By section, for all keys that are not converted."""
