{{- define "moorage.pod" -}}
metadata:
  labels:
    {{- include "moorage.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    checksum/config: {{ include "moorage.config" . | sha256sum }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "moorage.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add .Values.drain 20 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: { type: RuntimeDefault }
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  containers:
    - name: moorage
      image: {{ include "moorage.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, --config, /etc/moorage/config/moorage.yaml]
      env:
        # A folder of its own in the volume: the gateway wants it for itself alone, and volumes are the group's.
        - name: MOORAGE_STATE
          value: /var/lib/moorage/state
        {{- if .Values.store.existingSecret }}
        - name: MOORAGE_STORE
          valueFrom:
            secretKeyRef: { name: {{ .Values.store.existingSecret }}, key: {{ .Values.store.key }} }
        {{- end }}
      ports:
        - { name: api, containerPort: 2376 }
      startupProbe:
        httpGet: { path: /healthz, port: api, scheme: HTTPS }
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /healthz, port: api, scheme: HTTPS }
        periodSeconds: 20
        timeoutSeconds: 10
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: api, scheme: HTTPS }
        timeoutSeconds: 10
      lifecycle:
        preStop:
          # Load balancers learn that it ends before it does.
          sleep: { seconds: 10 }
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - { name: config, mountPath: /etc/moorage/config, readOnly: true }
        - { name: state, mountPath: /var/lib/moorage }
        - { name: tmp, mountPath: /tmp }
        {{- range .Values.hosts }}
        {{- if .tlsSecret }}
        - { name: host-{{ .name }}, mountPath: /etc/moorage/hosts/{{ .name }}, readOnly: true }
        {{- end }}
        {{- end }}
  volumes:
    - name: config
      configMap: { name: {{ include "moorage.name" . }} }
    - name: tmp
      emptyDir: {}
    {{- if .Values.store.existingSecret }}
    # What is in it comes from the store.
    - name: state
      emptyDir: {}
    {{- end }}
    {{- range .Values.hosts }}
    {{- if .tlsSecret }}
    - name: host-{{ .name }}
      secret:
        secretName: {{ .tlsSecret }}
        # 0440
        defaultMode: 288
    {{- end }}
    {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "moorage.selector" . | nindent 10 }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
{{- end }}
