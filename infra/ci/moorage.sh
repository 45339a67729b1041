#!/bin/sh
# Opens and closes a namespace from a CI job that has no Node: needs sh, sed, curl and openssl.
#
#   eval "$(moorage.sh open)"     then docker, compose and buildx work in a namespace of the job's own
#   moorage.sh close              at the job's end; the namespace's lifetime ends it too
#
# MOORAGE_GATEWAY     https://HOST:PORT of the gateway (required for open)
# MOORAGE_CA          file with the gateway's ca.pem, or its text; the system's authorities when absent
# MOORAGE_TOKEN       an OIDC token of the CI system or a token of the operator's; GitHub Actions and Buildkite are asked for one when absent
# MOORAGE_AUDIENCE    audience of the token that GitHub Actions or Buildkite is asked for; MOORAGE_GATEWAY when absent
# MOORAGE_POLICY, MOORAGE_LABEL, MOORAGE_LIFETIME (seconds)    optional wishes
# MOORAGE_DIR         where key, certificates and what open printed (env) are kept; made by mktemp when absent. Close finds the namespace there, too
#
# Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by the gateway.
set -eu

say() { printf '%s\n' "$*" >&2; }
fail() { code=$1; shift; say "moorage.sh: $*"; exit "$code"; }

# The value of a text field of a JSON object, without the escapes of line breaks and slashes.
field() {
  sed -n 's/.*"'"$1"'":"\(\([^"\\]\|\\.\)*\)".*/\1/p' | sed 's/\\n/\
/g; s/\\\//\//g; s/\\"/"/g'
}

# A text as JSON has it between quotes.
quoted() {
  printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g' | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }' | tr -d '\001-\037'
}

# A word as a shell reads it back.
word() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

find_token() {
  if [ -n "${MOORAGE_TOKEN:-}" ]; then printf '%s' "$MOORAGE_TOKEN"
  elif [ -n "${MOORAGE_ID_TOKEN:-}" ]; then printf '%s' "$MOORAGE_ID_TOKEN"
  elif [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    curl -fsS -G --data-urlencode "audience=$audience" -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL" | field value
  elif [ -n "${BUILDKITE:-}" ]; then buildkite-agent oidc request-token --audience "$audience"
  elif [ -n "${CIRCLE_OIDC_TOKEN_V2:-}" ]; then printf '%s' "$CIRCLE_OIDC_TOKEN_V2"
  fi
}

find_label() {
  if [ -n "${MOORAGE_LABEL:-}" ]; then printf '%s' "$MOORAGE_LABEL"
  elif [ -n "${GITLAB_CI:-}" ]; then printf '%s %s #%s' "${CI_PROJECT_PATH:-}" "${CI_JOB_NAME:-}" "${CI_JOB_ID:-}"
  elif [ -n "${GITHUB_ACTIONS:-}" ]; then printf '%s %s #%s' "${GITHUB_REPOSITORY:-}" "${GITHUB_JOB:-}" "${GITHUB_RUN_ID:-}"
  elif [ -n "${BUILDKITE:-}" ]; then printf '%s %s #%s' "${BUILDKITE_PIPELINE_SLUG:-}" "${BUILDKITE_LABEL:-}" "${BUILDKITE_BUILD_NUMBER:-}"
  elif [ -n "${CIRCLECI:-}" ]; then printf '%s %s #%s' "${CIRCLE_PROJECT_REPONAME:-}" "${CIRCLE_JOB:-}" "${CIRCLE_BUILD_NUM:-}"
  elif [ -n "${JENKINS_URL:-}" ]; then printf '%s #%s' "${JOB_NAME:-}" "${BUILD_NUMBER:-}"
  fi
}

# curl with the gateway's authority; the answer goes to $dir/answer and its status to the output.
ask() { curl -sS --max-time 120 ${ca_file:+--cacert "$ca_file"} -o "$dir/answer" -w '%{http_code}' "$@"; }

open() {
  [ -n "${MOORAGE_GATEWAY:-}" ] || fail 2 'MOORAGE_GATEWAY is not set: the https://HOST:PORT of the gateway'
  gateway=${MOORAGE_GATEWAY%/}
  audience=${MOORAGE_AUDIENCE:-$gateway}
  umask 077
  dir=${MOORAGE_DIR:-$(mktemp -d)}
  mkdir -p "$dir"
  ca_file=
  case "${MOORAGE_CA:-}" in
    '') ;;
    *BEGIN*) printf '%s\n' "$MOORAGE_CA" > "$dir/gateway-ca.pem"; ca_file=$dir/gateway-ca.pem ;;
    *) ca_file=$MOORAGE_CA ;;
  esac
  token=$(find_token)
  [ -n "$token" ] || fail 2 'no token: set MOORAGE_TOKEN, or let the CI system issue an OIDC token to the job'
  # The token is in no argument, where every process of the machine could read it.
  printf 'header = "Authorization: Bearer %s"\n' "$token" > "$dir/token"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=moorage -keyout "$dir/key.pem" -out "$dir/csr.pem" 2> "$dir/openssl.log" \
    || fail 1 "openssl cannot make a key: $(cat "$dir/openssl.log")"
  wish="\"csr\":\"$(quoted "$(cat "$dir/csr.pem")")\",\"label\":\"$(quoted "$(find_label)")\""
  [ -z "${MOORAGE_POLICY:-}" ] || wish="$wish,\"policy\":\"$(quoted "$MOORAGE_POLICY")\""
  case "${MOORAGE_LIFETIME:-}" in
    '') ;;
    *[!0-9]*) fail 2 'MOORAGE_LIFETIME is no number of seconds' ;;
    *) wish="$wish,\"lifetime\":$MOORAGE_LIFETIME" ;;
  esac
  printf '{%s}' "$wish" > "$dir/wish"
  status=$(ask -K "$dir/token" -H 'Content-Type: application/json' --data-binary "@$dir/wish" "$gateway/namespaces") || fail 1 "the gateway at $gateway cannot be reached"
  rm -f "$dir/token" "$dir/wish" "$dir/csr.pem" "$dir/openssl.log"
  if [ "$status" != 201 ]; then
    message=$(field message < "$dir/answer")
    case $status in 4*) fail 3 "${message:-status $status}" ;; *) fail 1 "${message:-status $status}" ;; esac
  fi
  id=$(field id < "$dir/answer")
  field ca < "$dir/answer" > "$dir/ca.pem"
  field cert < "$dir/answer" > "$dir/cert.pem"
  expires=$(field expires < "$dir/answer")
  rm -f "$dir/answer"
  say "Opened namespace $id, until $expires"
  printf 'export DOCKER_HOST=%s DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=%s MOORAGE_NAMESPACE=%s\n' "$(word "tcp://${gateway#https://}")" "$(word "$dir")" "$(word "$id")" > "$dir/env"
  cat "$dir/env"
}

# The namespace's own certificate may close it: no second token is needed.
close() {
  if [ -n "${MOORAGE_DIR:-}" ] && [ -f "$MOORAGE_DIR/env" ]; then . "$MOORAGE_DIR/env"; fi
  [ -n "${DOCKER_CERT_PATH:-}" ] && [ -n "${DOCKER_HOST:-}" ] || fail 2 'DOCKER_HOST and DOCKER_CERT_PATH are not those of a namespace; was it opened in this shell?'
  dir=$DOCKER_CERT_PATH
  ca_file=$dir/ca.pem
  status=$(ask --cert "$dir/cert.pem" --key "$dir/key.pem" -X DELETE "https://${DOCKER_HOST#tcp://}/namespaces/self") || fail 1 "the gateway at $DOCKER_HOST cannot be reached"
  message=$(field message < "$dir/answer")
  case $status in
    200) say "Closed namespace $(field id < "$dir/answer")" ;;
    403|404) say "The namespace is closed already" ;;
    *) fail 1 "${message:-status $status}" ;;
  esac
  rm -f "$dir/ca.pem" "$dir/cert.pem" "$dir/key.pem" "$dir/answer" "$dir/gateway-ca.pem" "$dir/env"
}

case "${1:-}" in
  open) open ;;
  close) close ;;
  *) fail 2 'usage: eval "$(moorage.sh open)", or moorage.sh close' ;;
esac
