{{/* Each mistake that a pod's annotations can have: "if" is CEL that is true for it, "say" the message. */}}
{{- define "connect-agent.injection.checks" -}}
{{- $prefix := .Values.injection.prefix -}}
{{- $settings := include "connect-agent.settings" . | fromYaml -}}
{{- $maximum := include "connect-agent.injection.quantity" .Values.injection.maxSizeLimit -}}
{{- $volumes := include "connect-agent.injection.volumeNames" . -}}
{{- $name := "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" -}}
{{- $key := "^[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,252}$" -}}
- if: "!('{{ $prefix }}/mode' in variables.notes)"
  say: >-
    '{{ $prefix }}/mode is missing, without which the other annotations have no effect: init or sidecar'
- if: "'{{ $prefix }}/mode' in variables.notes && !(variables.mode in ['init', 'sidecar'])"
  say: >-
    '{{ $prefix }}/mode: ' + {{ include "connect-agent.injection.quoted" "variables.mode" }}
    + ' is not a mode; init publishes before the other containers start, sidecar also follows changes'
- if: "!('{{ $prefix }}/template' in variables.notes)"
  say: >-
    '{{ $prefix }}/template is missing: the name of the ConfigMap with the template'
- if: "'{{ $prefix }}/template' in variables.notes && (variables.template.size() > 253 || !variables.template.matches('{{ $name }}'))"
  say: >-
    '{{ $prefix }}/template: ' + {{ include "connect-agent.injection.quoted" "variables.template" }}
    + ' is not the name of a ConfigMap: lower case letters, digits, dashes and dots'
- if: "!variables.templateKey.matches('{{ $key }}')"
  say: >-
    '{{ $prefix }}/template-key: ' + {{ include "connect-agent.injection.quoted" "variables.templateKey" }}
    + ' is not a key of a ConfigMap: letters, digits, dashes, underscores and dots'
- if: "variables.token == '' && !('{{ $prefix }}/token' in variables.notes)"
  say: >-
    '{{ $prefix }}/token is missing: the name of the Secret with the Connect token; the cluster has no default for it'
- if: "'{{ $prefix }}/token' in variables.notes && (variables.token.size() > 253 || !variables.token.matches('{{ $name }}'))"
  say: >-
    '{{ $prefix }}/token: ' + {{ include "connect-agent.injection.quoted" "variables.token" }}
    + ' is not the name of a Secret: lower case letters, digits, dashes and dots'
- if: "!variables.tokenKey.matches('{{ $key }}')"
  say: >-
    '{{ $prefix }}/token-key: ' + {{ include "connect-agent.injection.quoted" "variables.tokenKey" }}
    + ' is not a key of a Secret: letters, digits, dashes, underscores and dots'
- if: "!variables.path.matches('^(/[-._a-zA-Z0-9]+)+$') || variables.path.matches('/[.]{1,2}(/|$)')"
  say: >-
    '{{ $prefix }}/mount-path: ' + {{ include "connect-agent.injection.quoted" "variables.path" }}
    + ' is not an absolute path without "." and "..", such as {{ $settings.output.mountPath }}'
- if: >-
    ['/proc', '/sys', '/dev', '/usr/bin', '/etc/ssl/certs', '/etc/connect-agent', '/etc/connect-agent-ca', '/var/run/secrets/connect',
    '/run/secrets/connect', '/var/run/secrets/kubernetes.io', '/run/secrets/kubernetes.io']
    .exists(taken, (variables.path + '/').startsWith(taken + '/') || taken.startsWith(variables.path + '/'))
  say: >-
    '{{ $prefix }}/mount-path: ' + {{ include "connect-agent.injection.quoted" "variables.path" }}
    + ' is where the system or the agent has files of its own; take another, such as {{ $settings.output.mountPath }}'
- if: "variables.wanted.exists(name, !(name in variables.names))"
  say: >-
    '{{ $prefix }}/containers: there is no container '
    + variables.wanted.filter(name, !(name in variables.names)).map(name, {{ include "connect-agent.injection.quoted" "name" }}).join(', ')
    + '; there are: ' + variables.names.join(', ')
- if: "!(variables.share in ['true', 'false'])"
  say: >-
    '{{ $prefix }}/share-process-namespace: ' + {{ include "connect-agent.injection.quoted" "variables.share" }}
    + ' is neither "true" nor "false"'
- if: "variables.share == 'true' && variables.mode == 'init'"
  say: >-
    '{{ $prefix }}/share-process-namespace has no effect in mode init, which ends before there is a process to signal'
- if: "variables.share == 'true' && variables.pod.?spec.?hostPID.orValue(false)"
  say: >-
    '{{ $prefix }}/share-process-namespace: the pod has hostPID, and cannot have both'
- if: "variables.share == 'true' && !variables.pod.?spec.?shareProcessNamespace.orValue(true)"
  say: >-
    '{{ $prefix }}/share-process-namespace: "true", but spec.shareProcessNamespace is false; take one of them away'
- if: "'{{ $prefix }}/user' in variables.notes && (!variables.user.matches('^[1-9][0-9]{0,9}$') || int(variables.user) > 2147483647)"
  say: >-
    '{{ $prefix }}/user: ' + {{ include "connect-agent.injection.quoted" "variables.user" }}
    + ' is not the number of a user other than root, such as 1000'
- if: "!isQuantity(variables.size)"
  say: >-
    '{{ $prefix }}/size-limit: ' + {{ include "connect-agent.injection.quoted" "variables.size" }}
    + ' is not a quantity, such as {{ $settings.output.sizeLimit }}'
- if: >-
    isQuantity(variables.size) && (quantity(variables.size).compareTo(quantity('64Ki')) < 0
    || quantity(variables.size).compareTo(quantity('{{ $maximum }}')) > 0)
  say: >-
    '{{ $prefix }}/size-limit: ' + {{ include "connect-agent.injection.quoted" "variables.size" }}
    + ' is not between 64Ki and {{ $maximum }}'
- if: >-
    variables.pod.?spec.?os.?name.orValue('linux') != 'linux'
    || variables.pod.?spec.?nodeSelector[?'kubernetes.io/os'].orValue('linux') != 'linux'
  say: >-
    '{{ $prefix }}/mode: the pod is for another system than Linux, where there is neither connect-agent nor tmpfs'
- if: "variables.mode == 'sidecar' && variables.pod.?spec.?hostNetwork.orValue(false)"
  say: >-
    '{{ $prefix }}/mode: sidecar, but the pod has hostNetwork: its probes would ask the agent of any pod on the node; take init'
- if: "variables.containers.exists(c, c.name == 'connect-agent')"
  say: >-
    'a container of the pod is called connect-agent, as the one to inject; rename it'
- if: "!variables.injected && variables.volumes.exists(v, v.name in {{ $volumes }})"
  say: >-
    'the pod has a volume called '
    + variables.volumes.filter(v, v.name in {{ $volumes }})
    .map(v, v.name).join(', ') + ', as the ones to inject; rename it'
- if: >-
    !variables.injected && variables.targets.exists(c, c.?volumeMounts.orValue([])
    .exists(m, (m.mountPath + '/').startsWith(variables.path + '/')))
  say: >-
    '{{ $prefix }}/mount-path: ' + {{ include "connect-agent.injection.quoted" "variables.path" }}
    + ' is taken: container ' + variables.targets.filter(c, c.?volumeMounts.orValue([])
    .exists(m, (m.mountPath + '/').startsWith(variables.path + '/'))).map(c, c.name).join(', ')
    + ' mounts something there or below it already'
{{- end }}

{{/* CEL: all messages that apply, as a list. */}}
{{- define "connect-agent.injection.mistakes" -}}
{{- $prefix := .Values.injection.prefix -}}
{{- $known := keys (include "connect-agent.injection.annotations" . | fromYaml) | sortAlpha -}}
{{- $list := printf "['%s']" (join "', '" $known) -}}
variables.keys.map(k, k.substring({{ add1 (len $prefix) }})).filter(name, !(name in {{ $list }}))
.map(name, 'there is no annotation {{ $prefix }}/' + name + '; '
+ ({{ $list }}.exists(close, name.size() > 2 && close.startsWith(name.lowerAscii().substring(0, 3)))
? 'did you mean ' + {{ $list }}.filter(close, close.startsWith(name.lowerAscii().substring(0, 3)))
.map(close, '{{ $prefix }}/' + close).join(' or ') + '?'
: 'there are: {{ join ", " $known }}'))
{{- range include "connect-agent.injection.checks" . | fromYamlArray }}
+ ({{ .if }} ? [{{ .say }}] : [])
{{- end }}
{{- end }}
