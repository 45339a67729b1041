{{- define "moorage.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "moorage.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "moorage.labels" -}}
{{ include "moorage.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "moorage.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "moorage.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* Without a shared store each gateway keeps a volume, so it is one and has a name. */}}
{{- define "moorage.kind" -}}
{{ if .Values.store.existingSecret }}Deployment{{ else }}StatefulSet{{ end }}
{{- end }}

{{- define "moorage.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{/* The config file: what the chart knows, and `config` beside it. */}}
{{- define "moorage.config" -}}
{{- $hosts := list }}
{{- range .Values.hosts }}
{{- $host := omit . "tlsSecret" }}
{{- if .tlsSecret }}
{{- $at := printf "/etc/moorage/hosts/%s" .name }}
{{- $host = set $host "tls" (dict "ca" (printf "%s/ca.crt" $at) "cert" (printf "%s/tls.crt" $at) "key" (printf "%s/tls.key" $at)) }}
{{- end }}
{{- $hosts = append $hosts $host }}
{{- end }}
{{- $ports := dict "reach" "none" }}
{{- with .Values.publishedPorts }}
{{- if .enabled }}{{ $ports = dict "range" (printf "%d-%d" (int .first) (int .last)) "reach" .reach }}{{ end }}
{{- end }}
{{- $own := dict "listen" "0.0.0.0:2376" "hosts" $hosts "names" (concat .Values.names (list (printf "%s.%s.svc" (include "moorage.name" .) .Release.Namespace))) "ports" $ports "drain" .Values.drain "logFormat" "json" }}
{{- range $key, $_ := $own }}
{{- if hasKey $.Values.config $key }}{{ if ne $key "logFormat" }}{{ fail (printf "config.%s: the chart sets it from its own values" $key) }}{{ end }}{{ end }}
{{- end }}
{{- range list "state" "store" "host" "hostTls" "jobSockets" }}
{{- if hasKey $.Values.config . }}{{ fail (printf "config.%s: not in a cluster; see hosts and store" .) }}{{ end }}
{{- end }}
{{- toYaml (merge (deepCopy .Values.config) $own) }}
{{- end }}

{{/* The ports of the service and of containers. */}}
{{- define "moorage.published" -}}
{{- with .Values.publishedPorts }}{{ if .enabled }}{{ untilStep (int .first) (int (add1 .last)) 1 | toJson }}{{ else }}[]{{ end }}{{ end }}
{{- end }}
