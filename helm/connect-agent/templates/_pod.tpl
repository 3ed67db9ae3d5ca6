{{/*
What a pod gets. Each is an item of a list, to be indented where it is included:

  initContainers:
    {{- include "connect-agent.sidecar" . | nindent 4 }}        first: what comes after it finds the secrets
  containers:
    - name: app
      volumeMounts:
        {{- include "connect-agent.volumeMounts" . | nindent 8 }}
  volumes:
    {{- include "connect-agent.volumes" . | nindent 4 }}

No checksum annotation is needed for a sidecar: it takes up a changed template, and a new token, by itself.
*/}}

{{/* Publishes and ends: for applications that read their secrets once. */}}
{{- define "connect-agent.initContainer" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
- name: connect-agent
  {{- include "connect-agent.container" . | nindent 2 }}
  args: [init, "--timeout={{ $settings.agent.timeout }}"]
{{- end -}}

{{/* Publishes before the next container starts, then follows; Jobs end without waiting for it. */}}
{{- define "connect-agent.sidecar" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
- name: connect-agent
  {{- include "connect-agent.container" . | nindent 2 }}
  args: [sidecar]
  restartPolicy: Always
  startupProbe:
    exec:
      command: [/usr/bin/connect-agent, probe, startup]
    periodSeconds: {{ $settings.agent.startupProbe.periodSeconds }}
    failureThreshold: {{ $settings.agent.startupProbe.failureThreshold }}
    timeoutSeconds: 5
  {{- if $settings.agent.readinessProbe.enabled }}
  readinessProbe:
    exec:
      command: [/usr/bin/connect-agent, probe, ready]
    periodSeconds: {{ $settings.agent.readinessProbe.periodSeconds }}
    timeoutSeconds: 5
  {{- end }}
  {{- if $settings.agent.metrics.enabled }}
  ports:
    - name: agent-metrics
      containerPort: {{ $settings.agent.metrics.port }}
  {{- end }}
{{- end -}}

{{/* What both have in common. */}}
{{- define "connect-agent.container" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
image: {{ include "connect-agent.image" . }}
imagePullPolicy: {{ $settings.image.pullPolicy }}
# `kubectl describe pod` shows why it ended.
terminationMessagePolicy: FallbackToLogsOnError
env:
  {{- include "connect-agent.environment" $settings | nindent 2 }}
securityContext:
  {{- include "connect-agent.containerSecurity" . | nindent 2 }}
  {{- if not (kindIs "invalid" $settings.agent.runAsUser) }}
  runAsUser: {{ $settings.agent.runAsUser | int64 }}
  {{- end }}
  {{- if not (kindIs "invalid" $settings.agent.runAsGroup) }}
  runAsGroup: {{ $settings.agent.runAsGroup | int64 }}
  {{- end }}
resources:
  {{- toYaml $settings.agent.resources | nindent 2 }}
volumeMounts:
  - name: connect-agent-output
    mountPath: {{ $settings.output.mountPath }}
  - name: connect-agent-template
    mountPath: /etc/connect-agent
    readOnly: true
  - name: connect-agent-token
    mountPath: /var/run/secrets/connect
    readOnly: true
  {{- if $settings.connect.caConfigMap }}
  - name: connect-agent-ca
    mountPath: /etc/connect-agent-ca
    readOnly: true
  {{- end }}
{{- end -}}

{{/* Takes the settings. */}}
{{- define "connect-agent.environment" -}}
- name: OP_CONNECT_TOKEN_FILE
  value: /var/run/secrets/connect/{{ .token.key }}
- name: CONNECT_AGENT_LOG_LEVEL
  value: {{ .agent.logLevel }}
{{- with .connect.host }}
- name: OP_CONNECT_HOST
  value: {{ . | quote }}
{{- end }}
{{- if .connect.caConfigMap }}
- name: CONNECT_AGENT_CA_FILE
  value: /etc/connect-agent-ca/ca.pem
{{- end }}
{{- with .agent.interval }}
- name: CONNECT_AGENT_INTERVAL
  value: {{ . | quote }}
{{- end }}
{{- with .agent.maxStale }}
- name: CONNECT_AGENT_MAX_STALE
  value: {{ . | quote }}
{{- end }}
{{- /* Said always: a template with `listen: off` would leave the probes without an answer. */}}
- name: CONNECT_AGENT_LISTEN
  value: {{ printf "%s:%v" (.agent.metrics.enabled | ternary .agent.metrics.address "127.0.0.1") .agent.metrics.port | quote }}
{{- /* For the audit line: 1Password's own report names the Connect server only. */}}
- name: CONNECT_AGENT_POD
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: CONNECT_AGENT_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- with .agent.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Volumes of the pod. */}}
{{- define "connect-agent.volumes" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
- name: connect-agent-output
  emptyDir:
    medium: Memory
    sizeLimit: {{ $settings.output.sizeLimit }}
- name: connect-agent-template
  configMap:
    name: {{ include "connect-agent.templateName" . }}
- name: connect-agent-token
  {{- if $settings.token.volume }}
  {{- toYaml $settings.token.volume | nindent 2 }}
  {{- else }}
  secret:
    secretName: {{ include "connect-agent.tokenSecretName" . }}
    defaultMode: {{ $settings.token.mode | int }}
    items:
      - key: {{ $settings.token.key }}
        path: {{ $settings.token.key }}
  {{- end }}
{{- if $settings.connect.caConfigMap }}
- name: connect-agent-ca
  configMap:
    name: {{ $settings.connect.caConfigMap }}
{{- end }}
{{- end -}}

{{/* For each container that reads the secrets. */}}
{{- define "connect-agent.volumeMounts" -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
- name: connect-agent-output
  mountPath: {{ $settings.output.mountPath }}
  readOnly: true
{{- end -}}

{{/*
Environment variables of a container from an env file with `dialect: kubernetes` (Kubernetes 1.35 and later), which need no
volumeMounts. Takes a dict more: file, the path below output.mountPath; names, a list of variables.
*/}}
{{- define "connect-agent.fileKeyRefs" -}}
{{- $file := required "connect-agent.fileKeyRefs: say the `file`, as the template's `path` does" .file -}}
{{- range required "connect-agent.fileKeyRefs: say the `names` of the variables" .names }}
- name: {{ . }}
  valueFrom:
    fileKeyRef:
      volumeName: connect-agent-output
      path: {{ $file }}
      key: {{ . }}
{{- end }}
{{- end -}}
