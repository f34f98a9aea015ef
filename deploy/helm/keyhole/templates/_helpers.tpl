{{- define "keyhole.labels" -}}
app: keyhole-{{ .part }}
version: {{ .root.Chart.AppVersion | quote }}
{{ include "keyhole.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: keyhole
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "keyhole.selector" -}}
app.kubernetes.io/name: keyhole-{{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "keyhole.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- /* PodSecurity "restricted" wants each of these, in the pod or in every container. */ -}}
{{- define "keyhole.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* The user is not 1337: that one is the sidecar's, and its traffic is not captured. */ -}}
{{- define "keyhole.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "keyhole.spread" -}}
topologySpreadConstraints:
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "keyhole.selector" $ | nindent 8 }}
{{- end }}
{{- end }}

{{- /* What all pods have. A sidecar finds istiod by the cluster's DNS, which answers that name
itself; nothing else here looks names up, so that a cold start needs no DNS. */ -}}
{{- define "keyhole.pod" -}}
serviceAccountName: keyhole-{{ .part }}
automountServiceAccountToken: {{ and (eq .part "control") (eq .root.Values.documents.source "crds") }}
enableServiceLinks: false
{{- if and (ne .root.Values.mode "sidecar") (ne .part "control") }}
dnsPolicy: Default
{{- else }}
dnsPolicy: ClusterFirst
{{- end }}
terminationGracePeriodSeconds: 30
{{ include "keyhole.podSecurity" . }}
{{ include "keyhole.spread" . }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Of a pod, beside those by which it is found. Injection is asked for here, since without it the
pods would run in the clear, and nothing would say so. */ -}}
{{- define "keyhole.podLabels" -}}
{{ include "keyhole.labels" . }}
{{- if eq .root.Values.mode "sidecar" }}
sidecar.istio.io/inject: "true"
{{- end }}
{{- end }}

{{- /* A sidecar that is an init container runs before the pod joins, and ends with the test. */ -}}
{{- define "keyhole.meshAnnotations" -}}
{{- if eq .root.Values.mode "sidecar" -}}
sidecar.istio.io/nativeSidecar: "true"
{{- else if eq .root.Values.mode "ambient" -}}
ambient.istio.io/dns-capture: "false"
{{- end }}
{{- end }}

{{- define "keyhole.podAnnotations" -}}
checksum/settings: {{ include (printf "keyhole.settings.%s" .part) .root | sha256sum }}
{{- /* By these the Prometheus that comes with Istio finds a pod; a sidecar adds its own series. */}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ ternary "9154" "9153" (eq .part "control") | quote }}
prometheus.io/path: /metrics
{{- with include "keyhole.meshAnnotations" . }}
{{ . }}
{{- end }}
{{- if and (eq .root.Values.mode "sidecar") (eq .part "resolver") .root.Values.resolver.dot.enabled }}
traffic.sidecar.istio.io/excludeInboundPorts: "8853"
{{- end }}
{{- end }}

{{- define "keyhole.env" -}}
env:
  - name: KEYHOLE_DATA
    value: /var/lib/keyhole/data
  - name: KEYHOLE_CONFIG
    value: /etc/keyhole/settings/keyhole.yaml
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: PYTHONDONTWRITEBYTECODE
    value: "1"
{{- end }}

{{- define "keyhole.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: {{ . }}}
  periodSeconds: 2
  failureThreshold: 150
livenessProbe:
  httpGet: {path: /livez, port: {{ . }}}
  periodSeconds: 10
readinessProbe:
  httpGet: {path: /readyz, port: {{ . }}}
  periodSeconds: 5
{{- end }}

{{- define "keyhole.claim" -}}
- metadata: {name: data}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .className }}
    storageClassName: {{ . }}
    {{- end }}
    resources: {requests: {storage: {{ .size }}}}
{{- end }}

{{- /* A pod joins once: with a token it gets a certificate, which it keeps and renews. */ -}}
{{- define "keyhole.join" -}}
- name: join
  {{- include "keyhole.image" .root | nindent 2 }}
  args: [enroll, redeem, "/etc/keyhole/join/$(POD_NAME)", --out, /var/lib/keyhole/data/engine, --unless-enrolled]
  {{- include "keyhole.env" .root | nindent 2 }}
  {{- include "keyhole.containerSecurity" .root | nindent 2 }}
  resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 256Mi}}
  volumeMounts:
    - {name: data, mountPath: /var/lib/keyhole}
    - {name: join, mountPath: /etc/keyhole/join, readOnly: true}
    - {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "keyhole.renew" -}}
- name: renew
  {{- include "keyhole.image" .root | nindent 2 }}
  args: [enroll, keep, /var/lib/keyhole/data/engine]
  {{- include "keyhole.env" .root | nindent 2 }}
  {{- include "keyhole.containerSecurity" .root | nindent 2 }}
  resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {memory: 256Mi}}
  volumeMounts:
    - {name: data, mountPath: /var/lib/keyhole}
    - {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "keyhole.mainMounts" -}}
- {name: data, mountPath: /var/lib/keyhole}
- {name: settings, mountPath: /etc/keyhole/settings, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "keyhole.principals" -}}
{{- $root := .root }}
{{- range .accounts }}
- {{ printf "%s/ns/%s/sa/%s" $root.Values.mesh.trustDomain (first (splitList "/" .)) (last (splitList "/" .)) }}
{{- end }}
{{- end }}

{{- /* Those with an account and policies of their own. */ -}}
{{- define "keyhole.parts" -}}
["control", "resolver", "forwarder", "test"{{ if .Values.verify.enabled }}, "verify"{{ end }}]
{{- end }}

{{- define "keyhole.hasMesh" -}}
{{- if ne .Values.mode "plain" }}yes{{ end }}
{{- end }}

{{- /* Whether resolvers ask the forwarder over HTTP/2. Only a sidecar tells the forwarder who asks. */ -}}
{{- define "keyhole.overHttp" -}}
{{- if eq .Values.forwarder.transport "http2" -}}
{{- if ne .Values.mode "sidecar" }}{{ fail "forwarder.transport=http2 is for mode sidecar: no other tells the forwarder who asks" }}{{ end -}}
yes
{{- end }}
{{- end }}

{{- /* The port of the forwarder's pods for DNS. */ -}}
{{- define "keyhole.forwarderPort" -}}
{{- if include "keyhole.overHttp" . }}8053{{ else if include "keyhole.hasMesh" . }}5300{{ else }}8853{{ end }}
{{- end }}

{{- define "keyhole.lastResolver" -}}
{{- if .Values.resolver.autoscaling.enabled }}{{ .Values.resolver.autoscaling.maxReplicas }}{{ else }}{{ .Values.resolver.replicas }}{{ end }}
{{- end }}
