{{/* Names and labels. */}}

{{- define "headcni.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough that "-tailscaled" fits behind it. */}}
{{- define "headcni.fullname" -}}
{{- $name := include "headcni.name" . -}}
{{- $full := .Values.fullnameOverride | default (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) -}}
{{- $full | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "headcni.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "headcni.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* What a pod is chosen by: it must never change. Takes (list $ component). */}}
{{- define "headcni.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "headcni.name" $root | toJson }}
app.kubernetes.io/instance: {{ $root.Release.Name | toJson }}
app.kubernetes.io/component: {{ index . 1 | toJson }}
{{- end -}}

{{/* Takes (list $ component). */}}
{{- define "headcni.labels" -}}
{{- $root := index . 0 -}}
{{ include "headcni.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | toJson }}
app.kubernetes.io/managed-by: {{ $root.Release.Service | toJson }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | toJson }}
{{- end -}}

{{/* Takes (list image defaultTag). The older chart's repository has the tag in it. */}}
{{- define "headcni.image" -}}
{{- $image := index . 0 -}}
{{- $name := last (splitList "/" $image.repository) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" (regexReplaceAll "[:@][^/]*$" $image.repository "") $image.digest | toJson -}}
{{- else if regexMatch "[:@]" $name -}}
{{- $image.repository | toJson -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default (index . 1)) | toJson -}}
{{- end -}}
{{- end -}}
