{{/* Parts that the pods of both DaemonSets have. */}}

{{/* Takes (list $ component). */}}
{{- define "headcni.podMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "headcni.selectorLabels" . | nindent 2 }}
  {{- with $root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: {{ index . 1 }}
  {{- if and $root.Values.appArmor (semverCompare "<1.30.0-0" $root.Capabilities.KubeVersion.Version) }}
  container.apparmor.security.beta.kubernetes.io/{{ index . 1 }}: {{ eq $root.Values.appArmor "Unconfined" | ternary "unconfined" "runtime/default" }}
  {{- end }}
  {{- with $root.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Where they run, and as whom. The pods' network must not be needed to make it. */}}
{{- define "headcni.podPlacement" -}}
hostNetwork: true
dnsPolicy: Default
priorityClassName: {{ .Values.priorityClassName | toJson }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
nodeSelector:
  kubernetes.io/os: linux
  {{- with omit .Values.nodeSelector "kubernetes.io/os" }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Takes (list $ securityContext). */}}
{{- define "headcni.securityContext" -}}
{{- $root := index . 0 -}}
{{- $context := deepCopy (index . 1) -}}
{{- if $context.privileged -}}
{{- /* The API server refuses one that is privileged and may not become so. */ -}}
{{- $context = omit $context "allowPrivilegeEscalation" "capabilities" "seccompProfile" -}}
{{- else if and $root.Values.appArmor (semverCompare ">=1.30.0-0" $root.Capabilities.KubeVersion.Version) -}}
{{- $_ := set $context "appArmorProfile" (dict "type" $root.Values.appArmor) -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* A probe of the daemon. Takes (list $ path timing). */}}
{{- define "headcni.probe" -}}
{{- $root := index . 0 -}}
{{- $address := dig "monitoring" "address" "127.0.0.1" $root.Values.config -}}
httpGet:
  path: {{ index . 1 }}
  port: metrics
  {{- if not (or $root.Values.metrics.service.enabled (has $address (list "0.0.0.0" "::"))) }}
  host: {{ $address | toJson }}
  {{- end }}
{{ toYaml (index . 2) }}
{{- end -}}
