/** Where Alertmanager finds the templates. */
export const TEMPLATES_NAME = "notifications.tmpl";

/**
 * Alertmanager's templates for email and chat (R-NTF-01, R-NTF-02), in Go's language. A webhook gets the same as data.
 * @param link where the alerts are seen.
 */
export function messageTemplates(link: string): string {
  return `{{ define "mcp.subject" -}}
[level {{ .CommonLabels.level }}] {{ if eq .Status "resolved" }}resolved: {{ end }}{{ .GroupLabels.alertname }} in {{ .CommonLabels.estate }}/{{ .CommonLabels.stack }}
{{- if gt (len .Alerts) 1 }} ({{ len .Alerts }}){{ end }}
{{- end }}
{{ define "mcp.figures" -}}
{{ if .Annotations.processes }}
processes: {{ .Annotations.processes }}
memory: {{ .Annotations.memory }}
trend: {{ .Annotations.trend }}
actions taken: {{ .Annotations.actions }}
{{- end }}
{{- end }}
{{ define "mcp.text" -}}
{{ range .Alerts.Firing }}{{ .Annotations.summary }}
since: {{ .StartsAt.UTC.Format "2006-01-02 15:04:05" }} UTC{{ template "mcp.figures" . }}
next step: {{ .Annotations.action }}
runbook: {{ .Annotations.runbook }}

{{ end -}}
{{ range .Alerts.Resolved }}resolved: {{ .Annotations.summary }}
lasted: {{ .EndsAt.Sub .StartsAt }}, from {{ .StartsAt.UTC.Format "2006-01-02 15:04:05" }} UTC
{{- if .Annotations.peak }}
peak: {{ .Annotations.peak }}
{{- end }}{{ template "mcp.figures" . }}
{{- if .Annotations.prevention }}
prevention {{ .Annotations.prevention }}
{{- end }}

{{ end -}}
${link}
{{- end }}
`;
}
