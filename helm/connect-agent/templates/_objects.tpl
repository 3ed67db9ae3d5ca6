{{/* Whole objects that an application chart needs: a file of its own templates folder includes them. */}}

{{/* The ConfigMap of `template.files`; nothing when there are none, or `template.existingConfigMap` has them. */}}
{{- define "connect-agent.configMap" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{- if and $settings.template.files (not $settings.template.existingConfigMap) -}}
{{- if not (hasKey $settings.template.files "template.yaml") -}}
  {{- fail "connect-agent: template.files has no \"template.yaml\"" -}}
{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "connect-agent.templateName" . }}
  labels:
    {{- include "connect-agent.labels" . | nindent 4 }}
data:
  {{- range $name, $text := $settings.template.files }}
  {{- toYaml (dict $name $text) | nindent 2 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* The Secret of `token.value`; nothing when it is not given, or `token.existingSecret` has it. */}}
{{- define "connect-agent.tokenSecret" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{- if and $settings.token.value (not $settings.token.existingSecret) -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "connect-agent.tokenSecretName" . }}
  labels:
    {{- include "connect-agent.labels" . | nindent 4 }}
type: Opaque
data:
  {{ $settings.token.key }}: {{ $settings.token.value | trim | b64enc }}
{{- end -}}
{{- end -}}
