"""Why options of dnsmasq are left out; all that its manual has, and that are not converted."""

_DHCP = "Keyhole is no DHCP server; dnsmasq may stay one, with port=0"
_TFTP = "Keyhole serves no files over TFTP"
_FILES = (
    "its files are read where they lie in the folder that is imported; give that folder in place "
    "of the file"
)
_LISTEN = "write it as listen in keyhole.yaml"
_CACHE = "write it below cache in keyhole.yaml"
_LIMIT = "Keyhole has limits of its own; see limits in keyhole.yaml"
_UPSTREAM = "Keyhole chooses among upstreams by itself: in order of preference, by what answers"
_DNSSEC = "write validate below upstreams of a policy; Keyhole has the anchors of the root"
_AUTH = "Keyhole is no authoritative server"
_EDNS = "Keyhole tells upstreams nothing about clients"
_RUN = "it is about running dnsmasq; Keyhole is run by keyhole up or by its service"
_LOG = "Keyhole has a query log of its own; see log in keyhole.yaml and in a policy"
_RECORD = "only addresses, aliases, TXT and PTR are imported; write no other type"
_SETS = "Keyhole fills no sets of a firewall"
_HOSTS = "Keyhole reads no hosts file for answers; write a Record for each name that you need"
_ANSWERS = "Keyhole changes no address in an answer"

_GROUPS = {
    _DHCP: "bootp-dynamic bridge-interface dhcp-alternate-port dhcp-authoritative dhcp-boot "
    "dhcp-broadcast dhcp-circuitid dhcp-client-update dhcp-duid dhcp-fqdn dhcp-generate-names "
    "dhcp-hostsdir dhcp-hostsfile dhcp-ignore dhcp-ignore-clid dhcp-ignore-names dhcp-lease-max "
    "dhcp-leasefile dhcp-luascript dhcp-mac dhcp-match dhcp-name-match dhcp-no-override "
    "dhcp-option dhcp-option-force dhcp-optsdir dhcp-optsfile dhcp-proxy dhcp-pxe-vendor "
    "dhcp-range dhcp-rapid-commit dhcp-relay dhcp-remoteid dhcp-reply-delay dhcp-script "
    "dhcp-scriptuser dhcp-sequential-ip dhcp-subscrid dhcp-ttl dhcp-userclass dhcp-vendorclass "
    "enable-ra leasefile-ro no-dhcp-interface no-dhcpv4-interface no-dhcpv6-interface no-ping "
    "pxe-prompt pxe-service quiet-dhcp quiet-dhcp6 quiet-ra ra-param read-ethers script-arp "
    "script-on-renewal shared-network tag-if log-dhcp",
    _TFTP: "enable-tftp quiet-tftp tftp-lowercase tftp-max tftp-mtu tftp-no-blocksize tftp-no-fail "
    "tftp-port-range tftp-root tftp-secure tftp-single-port tftp-unique-root",
    _FILES: "conf-dir conf-file conf-script servers-file resolv-file hostsdir addn-hosts",
    _LISTEN: "bind-dynamic bind-interfaces except-interface interface listen-address port",
    "write the networks that are served as clients in keyhole.yaml": "local-service",
    _CACHE: "cache-size max-cache-ttl min-cache-ttl no-negcache neg-ttl use-stale-cache cache-rr "
    "clear-on-reload",
    "write ttl in a Record, or blockedTtl in a policy": "local-ttl max-ttl",
    _LIMIT: "dns-forward-max edns-packet-max max-tcp-connections",
    _UPSTREAM: "all-servers fast-dns-retry no-poll no-resolv strict-order",
    "a query that comes back is refused by its depth": "dns-loop-detect",
    "Keyhole takes a random port for each query": "max-port min-port port-limit query-port",
    _DNSSEC: "dnssec dnssec-check-unsigned dnssec-debug dnssec-limits dnssec-no-timecheck "
    "dnssec-timestamp proxy-dnssec trust-anchor",
    _AUTH: "auth-peer auth-sec-servers auth-server auth-soa auth-ttl auth-zone",
    _EDNS: "add-cpe-id add-mac add-subnet strip-mac strip-subnet umbrella",
    _RUN: "conntrack dumpfile dumpmask enable-dbus enable-ubus group help keep-in-foreground "
    "no-daemon no-ident pid-file test user version connmark-allowlist connmark-allowlist-enable",
    _LOG: "log-async log-debug log-facility",
    _RECORD: "caa-record dns-rr localmx mx-host mx-target naptr-record selfmx srv-host",
    _SETS: "ipset nftset",
    _HOSTS: "expand-hosts no-hosts domain",
    _ANSWERS: "alias bogus-nxdomain ignore-address",
    "write the addresses as a Record; Keyhole does not watch interfaces": "dynamic-host "
    "interface-name",
    "write a Record for each name; a pattern makes none": "synth-domain",
    "write a rule that blocks /^[^.]+$/ in a policy": "domain-needed",
    "Keyhole answers the same to all; give a Record policies": "localise-queries",
    "Keyhole keeps the order of the upstream": "no-round-robin",
    "127.0.0.0/8 in answers for public names stays withheld": "rebind-localhost-ok",
    "write a rule that blocks these types in a policy": "filterwin2k",
}
SECRETS = frozenset(["umbrella", "add-cpe-id"])
"""The options whose values a report must not show: they tell a resolver who the customer is."""
REASONS = {key: why for why, keys in _GROUPS.items() for key in keys.split()}
"""By option."""
