{{- /* keyhole.yaml of each part, and the documents that the chart writes. */ -}}
{{- define "keyhole.networks" -}}
["127.0.0.0/8", "::1/128"{{ range .Values.networks }}, {{ . | quote }}{{ end }}]
{{- end }}

{{- /* The trust domain whose namespaces are those of the cluster: of the mesh, or of control. */ -}}
{{- define "keyhole.namespaceTrust" -}}
{{ ternary .Values.mesh.trustDomain "keyhole.internal" (eq (include "keyhole.hasMesh" .) "yes") }}
{{- end }}

{{- /* Of a resolver and of a forwarder: the latter believes only whom the mesh names. */ -}}
{{- define "keyhole.traces" -}}
{{- $values := .root.Values }}
{{- if $values.telemetry.otlp.endpoint }}
traces:
  endpoint: {{ $values.telemetry.otlp.endpoint | quote }}
  share: {{ $values.telemetry.otlp.share | quote }}
  {{- if include "keyhole.overHttp" .root }}
  {{- if eq .part "resolver" }}
  forwarders: [forwarder]
  {{- else }}
  resolvers: [{{ include "keyhole.identity" (dict "root" .root "part" "resolver") }}]
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* What the mesh calls the pods of a part. */ -}}
{{- define "keyhole.identity" -}}
spiffe://{{ .root.Values.mesh.trustDomain }}/ns/{{ .root.Release.Namespace }}/sa/keyhole-{{ .part }}
{{- end }}

{{- define "keyhole.settings.control" -}}
role: resolver
# This engine answers nobody else; it proves documents before other engines get them.
listen: {udp: [], tcp: ["127.0.0.1:5300"], dot: [], doh: []}
clients: {{ include "keyhole.networks" . }}
documents: /etc/keyhole/documents/..data
api:
  # Until somebody has chosen a password, only the first one is open: for kubectl port-forward.
  listen: ["127.0.0.1:8081", "0.0.0.0:8080"]
  hosts: [{{ .Values.ingress.host | quote }}, keyhole-control, {{ .Values.addresses.control | quote }}]
  clients: ["127.0.0.0/8"{{ range concat .Values.networks .Values.ingress.allow }}, {{ . | quote }}{{ end }}]
  {{- if include "keyhole.hasMesh" . }}
  # The mesh encrypts this hop; the gateway ends TLS and says who the client is.
  tls: {use: never}
  trusted_proxies: {{ include "keyhole.networks" . }}
  {{- end }}
enrollment:
  listen: ["0.0.0.0:8444"]
  url: https://{{ .Values.addresses.control }}:8444
tls: {names: [{{ .Values.addresses.control | quote }}]}
link:
  listen: ["0.0.0.0:8445"]
  names: [{{ .Values.addresses.control | quote }}]
  clients: {{ include "keyhole.networks" . }}
  engines:
    {{- range $number := until (include "keyhole.lastResolver" . | int) }}
    - engines/keyhole-resolver-{{ $number }}
    {{- end }}
health: {engine: ["0.0.0.0:9153"], control: ["0.0.0.0:9154"]}
{{- if eq .Values.documents.source "crds" }}
kubernetes:
  watch: true
  namespace: {{ .Release.Namespace }}
  namespaces: {{ toJson .Values.documents.namespaces }}
  include: {{ toJson .Values.documents.include }}
  upstreams: {{ toJson .Values.documents.upstreams }}
  trust_domains: [{{ include "keyhole.namespaceTrust" . | quote }}]
{{- end }}
kiali: {enabled: true, namespace: {{ .Release.Namespace }}}
{{- if .Values.control.database.urlSecret }}
database: {url_file: /etc/keyhole/database/url}
{{- end }}
{{- end }}

{{- define "keyhole.settings.resolver" -}}
{{- $proxy := eq .Values.resolver.identity "proxy" }}
{{- $sidecar := eq .Values.mode "sidecar" }}
role: resolver
control:
  url: https://{{ .Values.addresses.control }}:8445
  identity: /var/lib/keyhole/data/engine
listen:
  udp: []
  {{- if $proxy }}
  # The mesh writes who asks in front of each connection to the first one. No client gets to the
  # second, where it could ask without that; it is for the readiness probe.
  mesh: [{{ ternary "0.0.0.0:5300" "127.0.0.1:1054" $sidecar | quote }}]
  tcp: ["127.0.0.1:5301"]
  {{- else }}
  tcp: ["0.0.0.0:5300"]
  {{- end }}
  dot: {{ if .Values.resolver.dot.enabled }}["0.0.0.0:8853"]{{ else }}[]{{ end }}
  doh: []
  {{- if .Values.resolver.doh.enabled }}
  # The sidecar says who asks; it alone reaches this.
  doh_cleartext: ["127.0.0.1:8053"]
  {{- end }}
clients: {{ include "keyhole.networks" . }}
# The network decides here; the mesh or the network policy decides who gets this far.
authentication: {tcp: permissive}
{{- if or $proxy .Values.resolver.doh.enabled }}
mesh: {trust_domains: [{{ .Values.mesh.trustDomain }}]}
{{- end }}
{{- if and $sidecar (not $proxy) }}
# Behind a sidecar all clients have one address.
limits: {connections_per_client: 10000, new_connections_per_network: 10000, waiting_per_network: 10000}
{{- end }}
{{- if .Values.resolver.dot.enabled }}
client_certificates: {dot: require}
tls:
  certificate: /etc/keyhole/tls/tls.crt
  key: /etc/keyhole/tls/tls.key
  names: [{{ range $index, $name := .Values.resolver.dot.names }}{{ if $index }}, {{ end }}{{ $name | quote }}{{ end }}]
{{- end }}
health: {engine: ["0.0.0.0:9153"], control: []}
{{- include "keyhole.traces" (dict "root" . "part" "resolver") }}
{{- end }}

{{- define "keyhole.settings.forwarder" -}}
role: forwarder
{{- if include "keyhole.overHttp" . }}
listen:
  udp: []
  # For the readiness probe; the mesh leads nobody there.
  tcp: ["127.0.0.1:5301"]
  dot: []
  doh: []
  # The sidecar says who asks; it alone reaches this.
  doh_cleartext: ["127.0.0.1:8053"]
authentication: {tcp: permissive}
mesh: {trust_domains: [{{ .Values.mesh.trustDomain }}]}
{{- else if include "keyhole.hasMesh" . }}
listen: {udp: [], tcp: ["0.0.0.0:5300"], dot: [], doh: []}
# The mesh lets only the resolver in.
authentication: {tcp: permissive}
{{- else }}
listen: {udp: [], tcp: [], dot: ["0.0.0.0:8853"], doh: []}
authentication: {dot: strict}
client_certificates: {dot: require}
tls:
  certificate: /var/lib/keyhole/data/engine/svid.pem
  key: /var/lib/keyhole/data/engine/svid-key.pem
identity: {trust_domain: forwarder.internal}
{{- end }}
clients: {{ include "keyhole.networks" . }}
documents: /etc/keyhole/documents/..data
api: {listen: []}
health: {engine: ["0.0.0.0:9153"], control: ["0.0.0.0:9154"]}
log: {keep: 8MiB, history: 0B}
# A few resolvers bring the queries of everybody.
limits:
  connections_per_client: 10000
  connections_per_identity: 10000
  new_connections_per_network: 10000
  new_connections_per_identity: 10000
  waiting_per_network: 10000
  waiting_per_identity: 10000
{{- include "keyhole.traces" (dict "root" . "part" "forwarder") }}
{{- end }}

{{- define "keyhole.documents.resolver" -}}
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: forwarder}
spec:
  {{- if include "keyhole.overHttp" . }}
  protocol: doh_cleartext
  insecure: mesh
  addresses: ["{{ .Values.addresses.forwarder }}:8053"]
  {{- else if include "keyhole.hasMesh" . }}
  protocol: tcp
  insecure: mesh
  addresses: ["{{ .Values.addresses.forwarder }}:5053"]
  {{- else }}
  protocol: dot
  addresses: ["{{ .Values.addresses.forwarder }}:853"]
  serverId: spiffe://keyhole.internal/ns/engines/sa/keyhole-forwarder
  ca: /var/lib/keyhole/data/identity/root.pem
  # Of control. A resolver shows its own.
  clientCertificate:
    certificate: /var/lib/keyhole/data/engine/svid.pem
    key: /var/lib/keyhole/data/engine/svid-key.pem
  {{- end }}
{{- end }}

{{- define "keyhole.documents.forwarder" -}}
{{- range .Values.forwarder.upstreams }}
apiVersion: keyhole.dev/v1
kind: Upstream
metadata: {name: {{ .name }}}
spec:
  protocol: doh
  serverName: {{ .serverName }}
  addresses: [{{ range $index, $one := .addresses }}{{ if $index }}, {{ end }}{{ $one | quote }}{{ end }}]
---
{{- end }}
{{- if not (include "keyhole.hasMesh" .) }}
apiVersion: keyhole.dev/v1
kind: TrustDomain
metadata: {name: keyhole.internal}
spec: {bundle: /var/lib/keyhole/data/engine/bundle.pem}
---
{{- end }}
apiVersion: keyhole.dev/v1
kind: Policy
metadata: {name: resolvers}
spec:
  {{- if include "keyhole.overHttp" . }}
  subjects:
    {{- range $part := list "resolver" "control" }}
    - {{ include "keyhole.identity" (dict "root" $ "part" $part) }}
    {{- end }}
  {{- else if not (include "keyhole.hasMesh" .) }}
  subjects: ["spiffe://keyhole.internal/ns/engines/*"]
  {{- end }}
  default: allow
  upstreams: [{{ range $index, $one := .Values.forwarder.upstreams }}{{ if $index }}, {{ end }}{{ $one.name }}{{ end }}]
{{- end }}
