{{/*
The alerts, as YAML: a map of names to rules. Metrics are in docs/operations.md.

A series of a counter is born with its first count, which `increase` does not see: where one count matters, a series that was
not there before counts as well.
*/}}
{{- define "connect-agent.alerts" -}}
{{- $stale := int .Values.prometheusRule.staleSeconds -}}
{{- $days := int .Values.prometheusRule.tokenExpiryDays -}}
ConnectAgentNotReady:
  expr: connect_agent_ready == 0
  for: 10m
  labels: {severity: critical}
  annotations:
    summary: 'connect-agent of {{`{{ $labels.namespace }}/{{ $labels.pod }}`}} is not ready'
    description: Nothing is published yet, or nothing was refreshed for refresh.maxStale. `connect-agent probe ready` says why.
ConnectAgentNotRefreshed:
  expr: time() - connect_agent_last_success_timestamp_seconds > {{ $stale }}
  for: 5m
  labels: {severity: warning}
  annotations:
    summary: 'connect-agent of {{`{{ $labels.namespace }}/{{ $labels.pod }}`}} has not refreshed for {{`{{ $value | humanizeDuration }}`}}'
    description: What was published stays in place, and grows old. The log says why.
ConnectAgentConnectUnreachable:
  expr: |-
    sum by (namespace, pod) (increase(connect_agent_requests_total{code=~"none|408|429|5.."}[10m])) > 0
    unless sum by (namespace, pod) (increase(connect_agent_requests_total{code="200"}[10m])) > 0
  for: 5m
  labels: {severity: warning}
  annotations:
    summary: 'connect-agent of {{`{{ $labels.namespace }}/{{ $labels.pod }}`}} gets no good answer from Connect'
    description: What was published stays in place. Look at the Connect server, at DNS and at network policies.
ConnectAgentTokenExpiresSoon:
  expr: |-
    connect_agent_token_expiry_timestamp_seconds - time() < {{ $days }} * 86400
    and connect_agent_token_expiry_timestamp_seconds - time() > 0
  labels: {severity: warning}
  annotations:
    summary: 'the Connect token of {{`{{ $labels.namespace }}/{{ $labels.pod }}`}} ends in {{`{{ $value | humanizeDuration }}`}}'
    description: Put a new token into its Secret; it is taken up without a restart.
ConnectAgentTokenExpired:
  expr: connect_agent_token_expiry_timestamp_seconds - time() <= 0
  labels: {severity: critical}
  annotations:
    summary: 'the Connect token of {{`{{ $labels.namespace }}/{{ $labels.pod }}`}} has expired'
    description: Put a new token into its Secret; it is taken up without a restart. New pods do not start until then.
ConnectAgentTokenRefused:
  expr: connect_agent_token_accepted == 0
  for: 5m
  labels: {severity: critical}
  annotations:
    summary: 'the Connect token of {{`{{ $labels.namespace }}/{{ $labels.pod }}`}} is not accepted'
    description: Connect refuses it, or it is not a whole token; the log says which. What was published stays in place; new pods do not start.
ConnectAgentTemplateInvalid:
  expr: connect_agent_template_valid == 0
  for: 5m
  labels: {severity: warning}
  annotations:
    summary: 'the template of {{`{{ $labels.namespace }}/{{ $labels.pod }}`}} is wrong'
    description: The one before is in force; a pod that starts anew has none. `connect-agent check` says the place.
ConnectAgentReferenceFailed:
  expr: connect_agent_reference_failed == 1
  for: 5m
  labels: {severity: warning}
  annotations:
    summary: '{{`{{ $labels.reference }} of {{ $labels.namespace }}/{{ $labels.pod }}`}} leads nowhere, or to several places'
    description: The item was renamed, moved or doubled, or Connect has no access. The old value stays in place.
ConnectAgentHookFailing:
  expr: |-
    increase(connect_agent_hook_runs_total{result="gave_up"}[15m]) > 0
    or (connect_agent_hook_runs_total{result="gave_up"} > 0 unless connect_agent_hook_runs_total{result="gave_up"} offset 15m)
  labels: {severity: warning}
  annotations:
    summary: 'a hook ({{`{{ $labels.phase }}, {{ $labels.hook }}) of {{ $labels.namespace }}/{{ $labels.pod }}`}} gave up'
    description: The application may still use the old secrets. The log has what the hook said.
ConnectAgentFilesPolled:
  expr: connect_agent_watch_mode{mode="poll"} == 1
  for: 1h
  labels: {severity: info}
  annotations:
    summary: 'connect-agent of {{`{{ $labels.namespace }}/{{ $labels.pod }}`}} polls its files'
    description: The node has no inotify instances left for this user (fs.inotify.max_user_instances). Changes are seen later.
{{- end -}}
