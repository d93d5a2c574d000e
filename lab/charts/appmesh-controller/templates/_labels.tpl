{{- define "labels" -}}
app.kubernetes.io/name: appmesh-controller
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
