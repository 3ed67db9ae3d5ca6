{{/*
Names, labels and settings. The templates that application charts include are in _pod.tpl and _objects.tpl.

Every template takes what Helm calls the root (`.` or `$`), of this chart or of a chart that depends on it, or a dict:

  context    the root
  settings   values to use in place of those of the dependency, such as `.Values.secrets` of an alias
  overrides  values that go over them, for the second workload of a chart
*/}}

{{/* The values in force, as YAML; read them with fromYaml. */}}
{{- define "connect-agent.settings" -}}
{{- $context := . -}}
{{- if hasKey . "context" -}}{{- $context = .context -}}{{- end -}}
{{- $values := $context.Values -}}
{{- if hasKey . "settings" -}}
  {{- $values = .settings -}}
{{- else if hasKey $context.Values "connect-agent" -}}
  {{- $values = index $context.Values "connect-agent" -}}
{{- end -}}
{{- $values = deepCopy (merge (dict) $values) -}}
{{- range $key, $value := (.overrides | default dict) -}}
  {{- if not (hasKey $values $key) -}}
    {{- fail (printf "connect-agent: overrides: there is no value %q; see the chart's README.md" $key) -}}
  {{- end -}}
{{- end -}}
{{- $values = mergeOverwrite $values (deepCopy (.overrides | default dict)) -}}
{{- range $key := list "image" "connect" "token" "template" "output" "agent" -}}
  {{- if not (kindIs "map" (get $values $key)) -}}
    {{- fail (printf "connect-agent: the settings have no %q: does the chart depend on connect-agent under another name? Then say `settings`" $key) -}}
  {{- end -}}
{{- end -}}
{{- $_ := set $values "global" ($context.Values.global | default dict) -}}
{{- toYaml $values -}}
{{- end -}}

{{- define "connect-agent.fullname" -}}
{{- $context := . -}}
{{- if hasKey . "context" -}}{{- $context = .context -}}{{- end -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{- $name := $settings.nameOverride | default "connect-agent" -}}
{{- if $settings.fullnameOverride -}}
  {{- $settings.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name $context.Release.Name -}}
  {{- $context.Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
  {{- printf "%s-%s" $context.Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "connect-agent.selectorLabels" -}}
{{- $context := . -}}
{{- if hasKey . "context" -}}{{- $context = .context -}}{{- end -}}
app.kubernetes.io/name: connect-agent
app.kubernetes.io/instance: {{ $context.Release.Name }}
{{- end -}}

{{- define "connect-agent.labels" -}}
{{- $context := . -}}
{{- if hasKey . "context" -}}{{- $context = .context -}}{{- end -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{ include "connect-agent.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ $context.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $context.Chart.Name $context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- /* A tag may be longer than a label, and end otherwise; commonLabels may say both of these anew. */}}
{{- $version := regexReplaceAll "[^a-zA-Z0-9]+$" ($settings.image.tag | trunc 63) "" }}
{{- $labels := dict "app.kubernetes.io/version" $version "app.kubernetes.io/part-of" $context.Chart.Name }}
{{ mergeOverwrite $labels ($settings.commonLabels | default dict) | toYaml }}
{{- end -}}

{{/* One image as a container names it. Takes a dict: image, global. */}}
{{- define "connect-agent.imageName" -}}
{{- $registry := .image.registry | default (get .global "imageRegistry") -}}
{{- if $registry }}{{ trimSuffix "/" $registry }}/{{ end }}{{ .image.repository }}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag }}{{ end }}
{{- end -}}

{{/* The agent's image. */}}
{{- define "connect-agent.image" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{- include "connect-agent.imageName" (dict "image" $settings.image "global" $settings.global) -}}
{{- end -}}

{{/* The names of pull secrets as a list of objects, or nothing. */}}
{{- define "connect-agent.imagePullSecrets" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{- $names := list -}}
{{- range concat ($settings.global.imagePullSecrets | default list) ($settings.imagePullSecrets | default list) -}}
  {{- $names = append $names (kindIs "map" . | ternary . (dict "name" .)) -}}
{{- end -}}
{{- with $names | uniq }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{- define "connect-agent.tokenSecretName" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{- $settings.token.existingSecret | default (printf "%s-token" (include "connect-agent.fullname" .)) -}}
{{- end -}}

{{- define "connect-agent.templateName" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{- $settings.template.existingConfigMap | default (printf "%s-template" (include "connect-agent.fullname" .)) -}}
{{- end -}}

{{/* What the Pod Security Standard "restricted" asks of a container, and a root that nobody writes to. */}}
{{- define "connect-agent.containerSecurity" -}}
runAsNonRoot: true
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Labels that the NetworkPolicy selects. No default in values.yaml: Helm would add it to what is given. */}}
{{- define "connect-agent.policyLabels" -}}
{{- .Values.networkPolicy.podLabels | default (dict "connect-agent" "enabled") | toYaml -}}
{{- end -}}
