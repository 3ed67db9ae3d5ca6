{{/*
Injection by annotation: what both policies share. The mutating one adds nothing to a pod in whose annotations the
validating one would find a mistake: the API server validates a pod between the two, and its own message about a half
right pod ("must be unique") would hide ours. So both are made of the same variables, and "mistakes" is one of them.
*/}}

{{/* The annotations, and what each says. docs/injection.md has them too, and a test compares. */}}
{{- define "connect-agent.injection.annotations" -}}
mode: init or sidecar
template: ConfigMap with the template
template-key: the template's key in it
token: Secret with the Connect token
token-key: the token's key in it
mount-path: where the secrets are
containers: who sees them
user: user ID of the agent
share-process-namespace: for hooks that send signals
size-limit: of the tmpfs
{{- end }}

{{- define "connect-agent.injection.name" -}}
{{ printf "%s-injection" (include "connect-agent.fullname" .) }}
{{- end }}

{{/* By value, or what the cluster serves; without a cluster (helm template) the stable version. */}}
{{- define "connect-agent.injection.apiVersion" -}}
{{- $group := "admissionregistration.k8s.io" -}}
{{- $beta := printf "%s/v1beta1" $group -}}
{{- if .Values.injection.apiVersion -}}
{{ $group }}/{{ .Values.injection.apiVersion }}
{{- else if and (.Capabilities.APIVersions.Has (printf "%s/MutatingAdmissionPolicy" $beta)) (not (.Capabilities.APIVersions.Has (printf "%s/v1/MutatingAdmissionPolicy" $group))) -}}
{{ $beta }}
{{- else if and (semverCompare "<1.34.0-0" .Capabilities.KubeVersion.Version) (not (.Capabilities.APIVersions.Has (printf "%s/v1/MutatingAdmissionPolicy" $group))) -}}
{{- fail (printf "connect-agent: injection.enabled: Kubernetes %s has no MutatingAdmissionPolicy, 1.34 is the first that has; leave it off and use the named templates, or say which Kubernetes it is for (helm template --kube-version)" .Capabilities.KubeVersion.Version) -}}
{{- else -}}
{{ $group }}/v1
{{- end -}}
{{- end }}

{{- define "connect-agent.injection.namespaceLabel" -}}
{{ .Values.injection.prefix }}/injection
{{- end }}

{{/* YAML to a CEL literal. dyn() since CEL's own maps and lists are of one type; {cel: …} is an expression as it is. */}}
{{- define "connect-agent.cel" -}}
{{- if kindIs "map" . -}}
{{- if hasKey . "cel" -}}
{{- .cel -}}
{{- else -}}
{{- $parts := list -}}
{{- range $key, $value := . -}}
{{- $parts = append $parts (printf "%s: dyn(%s)" (toJson $key) (include "connect-agent.cel" $value)) -}}
{{- end -}}
{{- printf "{%s}" (join ", " $parts) -}}
{{- end -}}
{{- else if kindIs "slice" . -}}
{{- $parts := list -}}
{{- range . -}}
{{- $parts = append $parts (printf "dyn(%s)" (include "connect-agent.cel" .)) -}}
{{- end -}}
{{- printf "[%s]" (join ", " $parts) -}}
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end }}

{{/* A quantity as text: a plain number of bytes is a number in YAML, and Helm would write it as 8.388608e+06. */}}
{{- define "connect-agent.injection.quantity" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ int64 . }}{{ end -}}
{{- end }}

{{/* An annotation's value in CEL: (list PREFIX NAME DEFAULT). */}}
{{- define "connect-agent.injection.annotation" -}}
{{- printf "variables.notes[?'%s/%s'].orValue(%s)" (index . 0) (index . 1) (toJson (index . 2)) -}}
{{- end }}

{{/* CEL that quotes what a pod says, for a message: no line ends, not endless. */}}
{{- define "connect-agent.injection.quoted" -}}
{{- printf "strings.quote(%s.size() > 60 ? %s.substring(0, 60) + '…' : %s)" . . . -}}
{{- end }}

{{/* A policy's variables, without the first, "pod", which differs. */}}
{{- define "connect-agent.injection.variables" -}}
{{- $prefix := .Values.injection.prefix -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
- name: notes
  expression: variables.pod.?metadata.?annotations.orValue({})
- name: keys
  expression: variables.notes.filter(k, k.startsWith('{{ $prefix }}/'))
- name: mode
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "mode" "") }}
- name: template
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "template" "") }}
- name: templateKey
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "template-key" "template.yaml") }}
- name: token
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "token" .Values.injection.tokenSecret) }}
- name: tokenKey
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "token-key" $settings.token.key) }}
- name: path
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "mount-path" $settings.output.mountPath) }}
- name: size
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "size-limit" (include "connect-agent.injection.quantity" $settings.output.sizeLimit)) }}
- name: share
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "share-process-namespace" "false") }}
- name: containers
  expression: variables.pod.?spec.?containers.orValue([])
- name: inits
  expression: variables.pod.?spec.?initContainers.orValue([])
- name: volumes
  expression: variables.pod.?spec.?volumes.orValue([])
- name: injected
  expression: variables.inits.exists(c, c.name == 'connect-agent')
- name: others
  expression: (variables.containers + variables.inits).filter(c, c.name != 'connect-agent')
- name: names
  expression: variables.others.map(c, c.name)
- name: wanted
  expression: >-
    '{{ $prefix }}/containers' in variables.notes
    ? variables.notes['{{ $prefix }}/containers'].split(',').map(name, name.trim())
    : variables.names
- name: targets
  expression: variables.others.filter(c, c.name in variables.wanted)
- name: user
  expression: {{ include "connect-agent.injection.annotation" (list $prefix "user" "") }}
- name: users
  expression: >-
    variables.targets.map(c, c.?securityContext.?runAsUser.or(variables.pod.?spec.?securityContext.?runAsUser).orValue(0))
    .filter(id, id > 0)
# The application's user can read what the agent publishes with mode 0400.
- name: agentUser
  expression: >-
    variables.user != '' ? int(variables.user) : variables.users.size() > 0 ? variables.users[0]
    : {{ $settings.agent.runAsUser | default 65532 | int64 }}
- name: mistakes
  expression: >-
{{ include "connect-agent.injection.mistakes" . | indent 4 }}
{{- end }}

{{/* What is validated. */}}
{{- define "connect-agent.injection.constraints" -}}
resourceRules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [pods]
  # A mistake is told to whoever applies a workload, not only to the controller that makes its pods.
  - apiGroups: [apps]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [deployments, statefulsets, daemonsets]
  - apiGroups: [batch]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [jobs, cronjobs]
{{- end }}
