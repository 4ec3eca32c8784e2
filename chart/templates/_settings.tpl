{{/* The daemon's settings, and what the chart has to know of them. */}}

{{/* YAML reads the word "off" as false. */}}
{{- define "headcni.tailscaleMode" -}}
{{- $mode := dig "tailscale" "mode" "host" .Values.config -}}
{{- kindIs "bool" $mode | ternary "off" $mode -}}
{{- end -}}

{{/* True in the mode in which a tailscaled of our own runs; "daemon" is its older name. */}}
{{- define "headcni.isOwnTailscaled" -}}
{{- if has (include "headcni.tailscaleMode" .) (list "own" "daemon") -}}true{{- end -}}
{{- end -}}

{{- define "headcni.runDirectory" -}}{{ .Values.config.runDirectory | default "/run/headcni" }}{{- end -}}
{{- define "headcni.dataDir" -}}{{ .Values.config.dataDir | default "/var/lib/headcni" }}{{- end -}}

{{/* The socket of the node's tailscaled; empty when it is not asked. */}}
{{- define "headcni.hostTailscaleSocket" -}}
{{- if eq (include "headcni.tailscaleMode" .) "host" -}}
{{- $socket := dig "tailscale" "socket" "" .Values.config -}}
{{- if kindIs "map" $socket -}}{{- $socket = $socket.path | default "" -}}{{- end -}}
{{- $socket | default "/var/run/tailscale/tailscaled.sock" -}}
{{- end -}}
{{- end -}}

{{/* The folder of the daemon's log file; empty for none, and for that of the plugins' log, which is there. */}}
{{- define "headcni.logFolder" -}}
{{- $file := dig "logging" "file" dict .Values.config -}}
{{- $folder := and (dig "enabled" true $file) $file.path | default "" | dir -}}
{{- if not (has $folder (list "." "/var/log/headcni")) -}}{{- $folder -}}{{- end -}}
{{- end -}}

{{/* Empty without a Secret. */}}
{{- define "headcni.secretName" -}}
{{- if .Values.secret.existingName -}}
{{- .Values.secret.existingName -}}
{{- else if include "headcni.givenSecrets" . -}}
{{- printf "%s-auth" (include "headcni.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* What of a Secret that the chart makes, as YAML; empty for none. */}}
{{- define "headcni.givenSecrets" -}}
{{- $given := dict -}}
{{- with dig "headscale" "authKey" "" .Values.config }}{{- $_ := set $given "auth-key" . }}{{- end -}}
{{- with dig "tailscale" "authKey" "" .Values.config }}{{- $_ := set $given "tailscale-auth-key" . }}{{- end -}}
{{- if $given -}}{{- toYaml $given -}}{{- end -}}
{{- end -}}

{{/* Keys of the Secret by the section of the settings that they belong to, as YAML. */}}
{{- define "headcni.secretKeys" -}}
{{- $secret := .Values.secret -}}
{{- $made := include "headcni.givenSecrets" . | fromYaml -}}
{{- if $secret.existingName -}}
{{- toYaml (dict "headscale" $secret.headscaleKey "tailscale" $secret.tailscaleKey) -}}
{{- else -}}
headscale: {{ hasKey $made "auth-key" | ternary "auth-key" "" | toJson }}
tailscale: {{ hasKey $made "tailscale-auth-key" | ternary "tailscale-auth-key" "" | toJson }}
{{- end -}}
{{- end -}}

{{/* Text of daemon.yaml: the values, but for secrets, whose files it names instead. */}}
{{- define "headcni.settings" -}}
{{- $config := deepCopy .Values.config -}}
{{- range $section, $key := include "headcni.secretKeys" . | fromYaml -}}
  {{- $given := omit (get $config $section | default dict) "authKey" -}}
  {{- if $key -}}{{- $_ := set $given "authKeyFile" (printf "/etc/headcni-secret/%s" $key) -}}{{- end -}}
  {{- if $given -}}{{- $_ := set $config $section $given -}}{{- else -}}{{- $_ := unset $config $section -}}{{- end -}}
{{- end -}}
{{- range $section, $name := dict "tailscale" "mode" "kube" "access" -}}
  {{- if kindIs "bool" (dig $section $name "" $config) -}}{{- $_ := set (get $config $section) $name "off" -}}{{- end -}}
{{- end -}}
{{- with .Values.cniPlugins -}}{{- $_ := set $config "cniPlugins" . -}}{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* What cannot work together; whatever one value alone can be wrong with is in values.schema.json. */}}
{{- define "headcni.check" -}}
{{- $secret := .Values.secret -}}
{{- if and $secret.existingName (include "headcni.givenSecrets" .) -}}
{{- fail "Cannot use config.headscale.authKey or config.tailscale.authKey together with secret.existingName: give the keys in that Secret alone, and name them by secret.headscaleKey and secret.tailscaleKey" -}}
{{- end -}}
{{- if and $secret.existingName (not $secret.headscaleKey) (not $secret.tailscaleKey) -}}
{{- fail (printf "Cannot use Secret %q: name the keys in it by secret.headscaleKey (API key of Headscale) or secret.tailscaleKey (pre-auth key)" $secret.existingName) -}}
{{- end -}}
{{- if and (not $secret.existingName) (or $secret.headscaleKey $secret.tailscaleKey) -}}
{{- fail "Cannot use secret.headscaleKey or secret.tailscaleKey: they name keys of the Secret in secret.existingName, which is not set" -}}
{{- end -}}
{{- if and .Values.cniPlugins .Values.config.cniPlugins -}}
{{- fail "Cannot use cniPlugins and config.cniPlugins: they are the same setting; give one of them" -}}
{{- end -}}
{{- if and .Values.metrics.service.enabled (not (dig "monitoring" "enabled" true .Values.config)) -}}
{{- fail "Cannot use metrics.service.enabled: config.monitoring.enabled is off" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) -}}
{{- fail "Cannot use metrics.serviceMonitor.enabled: it reads the Service of metrics.service.enabled, which is off" -}}
{{- end -}}
{{- end -}}
