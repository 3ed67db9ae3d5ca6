{{/*
What is injected: the container and the volumes that application charts include (_pod.tpl), with expressions of the policy,
{cel: …}, where an annotation decides.
*/}}

{{/* The value of a CEL expression, in YAML that connect-agent.cel turns into CEL. */}}
{{- define "connect-agent.injection.volumes" -}}
{{- $volumes := include "connect-agent.volumes" . | fromYamlArray -}}
{{- $token := (include "connect-agent.settings" . | fromYaml).token -}}
{{- range $volumes -}}
  {{- if eq .name "connect-agent-output" -}}
    {{- $_ := set .emptyDir "sizeLimit" (dict "cel" "variables.size") -}}
  {{- else if eq .name "connect-agent-template" -}}
    {{- $_ := set .configMap "name" (dict "cel" "variables.template") -}}
  {{- end -}}
{{- end -}}
{{- $kept := list -}}
{{- range $volumes -}}
  {{- if ne .name "connect-agent-token" -}}{{- $kept = append $kept . -}}{{- end -}}
{{- end -}}
{{- /* Files of a Secret belong to root, and to the pod's fsGroup where there is one. Nobody else mounts this volume. */ -}}
{{- $mode := "variables.pod.?spec.?securityContext.?fsGroup.hasValue() ? 288 : 292" -}}
{{- $items := list (dict "key" (dict "cel" "variables.tokenKey") "path" $token.key) -}}
{{- $secret := dict "secretName" (dict "cel" "variables.token") "defaultMode" (dict "cel" $mode) "items" $items -}}
{{- append $kept (dict "name" "connect-agent-token" "secret" $secret) | toYaml -}}
{{- end }}

{{/* The names of these volumes, as a CEL list. */}}
{{- define "connect-agent.injection.volumeNames" -}}
{{- $names := list -}}
{{- range include "connect-agent.volumes" . | fromYamlArray -}}{{- $names = append $names (squote .name) -}}{{- end -}}
[{{ join ", " $names }}]
{{- end }}

{{/* CEL of the container for a mode: (dict "context" . "mode" "sidecar"). */}}
{{- define "connect-agent.injection.container" -}}
{{- $template := eq .mode "init" | ternary "connect-agent.initContainer" "connect-agent.sidecar" -}}
{{- $container := include $template .context | fromYamlArray | first -}}
{{- range $container.volumeMounts -}}
  {{- if eq .name "connect-agent-output" -}}{{- $_ := set . "mountPath" (dict "cel" "variables.path") -}}{{- end -}}
{{- end -}}
{{- $path := dict "cel" "'/etc/connect-agent/' + variables.templateKey" -}}
{{- $env := append $container.env (dict "name" "CONNECT_AGENT_TEMPLATE" "value" $path) -}}
{{- $_ := set $container "env" $env -}}
{{- $_ := set $container.securityContext "runAsUser" (dict "cel" "variables.agentUser") -}}
{{- include "connect-agent.cel" $container -}}
{{- end }}
