"""The documents that the first `keyhole up` writes: a policy, a well-known list that it blocks, and
two well-known upstreams."""

POLICY_FILE = "policy.yaml"
LISTS_FILE = "lists.yaml"
UPSTREAMS_FILE = "upstreams.yaml"

_POLICY = """\
# Which names are allowed. keyhole check validates this file; a saved change takes effect at once.
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: default}
spec:
  # Without subjects it applies to all clients of no other policy.

  # What happens to a name that no rule and no list decides: allow or deny.
  default: allow

  # Upstreams, preferred first. Without this line all are asked.
  upstreams: [quad9, cloudflare]

  # Whether answers with private addresses for public names are withheld: block or allow.
  privateAddresses: block

  # Rules. The order of precedence: important block, allow, block, allow list, block list, default.
  # rules:
  #   # That name alone, and everything below another one, for three types.
  #   - allow: [www.example.org, "*.example.net"]
  #     types: [A, AAAA, HTTPS]
  #   # An expression on the lower-case name. The answer: no such name.
  #   - block: ['/^ad[0-9]+\\./']
  #     answer: nxdomain          # or refused, null (0.0.0.0 and ::), or an address
  #   # Only logged, to see what it would do.
  #   - block: ["*.tracker.example.com"]
  #     mode: observe             # or enforce
  #   # It wins over every allow rule and every allow list.
  #   - block: [malware.example.com]
  #     important: true

  # Lists to use, by name; ads is declared below. Lists may also name their policies: lists.yaml.
  # lists: [ads]
---
# A policy for some clients. The most specific subject decides which policy a client has.
# Subjects are spiffe://ID, token:NAME, client:NAME, group:NAME, spiffe://PATH/*, cidr:NETWORK.
# apiVersion: keyhole.dev/v1
# kind: Policy
# metadata: {name: kids}
# spec:
#   subjects: [group:kids]
#   include: [default]            # its rules and lists come after these
#   default: allow
#   rules:
#     - block: ["*.games.example.com"]
#       when: {days: weekdays, from: "21:00", to: "07:00", timezone: Europe/Berlin}
---
# A client: a name for a machine, and how it is recognized.
# apiVersion: keyhole.dev/v1
# kind: Client
# metadata: {name: tablet}
# spec:
#   addresses: [192.0.2.20]       # or identities, or tokens
#   groups: [kids]
---
# A list: files with names, one per line, or in the form of hosts, adblock, dnsmasq, unbound or rpz.
# apiVersion: keyhole.dev/v1
# kind: List
# metadata: {name: ads}
# spec:
#   kind: block                   # or allow
#   files: [lists/ads.txt]        # beside this file
#   format: auto
---
# A local record: a name that Keyhole answers by itself.
# apiVersion: keyhole.dev/v1
# kind: Record
# metadata: {name: printer}
# spec:
#   name: printer.example.org     # *.example.org covers all names below it
#   a: [192.0.2.7]
#   aaaa: ["2001:db8::7"]
#   policies: [kids]              # who sees it; without this line all do
"""

_LISTS = """\
# Names to block from the start: advertising and tracking, the careful version of HaGeZi's lists.
# Keyhole downloads it once a day. Without this file nothing is blocked.
# More lists: keyhole lists catalog; keyhole lists enable NAME has the policy use one.
# License and maintainers: https://github.com/hagezi/dns-blocklists
apiVersion: keyhole.dev/v1
kind: List
metadata: {name: hagezi-light}
spec:
  kind: block
  urls: ["https://raw.githubusercontent.com/hagezi/dns-blocklists/main/adblock/light.txt"]
  policies: [default]             # the policies that use it
"""

_UPSTREAMS = """\
# DNS servers that Keyhole asks. Queries leave encrypted or not at all.
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: quad9}
spec:
  protocol: doh                   # DNS over HTTPS; dot is DNS over TLS
  addresses: [9.9.9.9, 149.112.112.112, "2620:fe::fe", "2620:fe::9"]
  serverName: dns.quad9.net       # the name in its certificate
---
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: cloudflare}
spec:
  protocol: doh
  addresses: [1.1.1.1, 1.0.0.1, "2606:4700:4700::1111", "2606:4700:4700::1001"]
  serverName: cloudflare-dns.com
"""


def default_documents() -> dict[str, str]:
    """The files by name; their commented parts are valid once uncommented."""
    return {POLICY_FILE: _POLICY, LISTS_FILE: _LISTS, UPSTREAMS_FILE: _UPSTREAMS}
